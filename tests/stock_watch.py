"""From changed stock to what is told of it: the stream's publisher, the bus's rule and the queue's consumer."""

import json
import os
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from commerce.events.catalogue import Event, read
from commerce.kernel import aws
from commerce.kernel.caller import Tenant
from tests.contract.shops import Shop
from tests.shop import TENANT, handler
from tests.streams import Stream, deliver
from tests.template import template

TYPES = template()["Resources"]["StockWatchRule"]["Properties"]["EventPattern"]["detail-type"]
TOLD = ("inventory.low", "inventory.out_of_stock", "purchase_order.drafted")


@dataclass
class Bus:
    """Takes everything, and remembers it."""

    details: list[str] = field(default_factory=list)

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.details += [entry["Detail"] for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * len(Entries)}


@dataclass
class StockWatch:
    """Hears of what happened in a table since it was last asked."""

    table: Any
    stream: Stream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = Stream(self.table)

    def told(self) -> list[Event[Any]]:
        """What merchants are told of stock, once everybody has heard of everything."""
        told: list[Event[Any]] = []
        while events := self.published():
            told += [event for event in events if event.type in TOLD]
            assert watch([message(event) for event in events if event.type in TYPES]) == []
        return told

    def published(self) -> list[Event[Any]]:
        """The events of what was written since, in order."""
        bus = Bus()
        with mock.patch.object(aws, "client", return_value=bus), mock.patch.dict(os.environ, EVENT_BUS_NAME="till"):
            assert deliver("publish_events", self.stream.read()) == []
        return [read(detail) for detail in bus.details]


def message(event: Event[Any]) -> dict[str, Any]:
    """An event as the rule puts it into the queue."""
    return {"messageId": f"message-{event.id}", "body": f'{{"detail":{event.model_dump_json()}}}'}


def changed(product_id: str, tenant: Tenant = TENANT, name: str = "message") -> dict[str, Any]:
    """A message that stock of a product changed, with no more in it than is looked at."""
    detail = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "data": {"object": {"product_id": product_id}}}
    return {"messageId": name, "body": json.dumps({"detail": detail})}


def drafted(shop: Shop, sku: str) -> str:
    """Let a new product fall low whose alert is set to reorder; give the purchase order that is drafted."""
    product_id = shop.product(sku, 5, stock=10)["id"]
    alert = {"threshold": 10, "reorder": {"enabled": True, "quantity": 100, "supplier": "Harbor Textiles"}}
    shop.do("v2/inventory/set_alert", product_id=product_id, body=alert)
    shop.receive(product_id, -1)
    assert watch([changed(product_id, shop.tenant)]) == []
    return str(shop.do("v2/purchasing/list_purchase_orders")["data"][0]["id"])


def watch(messages: list[dict[str, Any]]) -> list[str]:
    """Hand messages to the queue's consumer; give those that come back."""
    answer = handler("queues/watch_stock").handler({"Records": messages}, None)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]
