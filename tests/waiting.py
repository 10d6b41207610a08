"""Shops whose customers wait for stock, and the way from stock that arrives to those who wait for it."""

import json
import os
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from commerce.events.catalogue import Event, read
from commerce.kernel import aws
from commerce.kernel.caller import Tenant
from tests.contract.shops import Shop
from tests.shop import Answered, Credential, handler
from tests.stock_watch import Bus
from tests.streams import Stream, deliver

EXPECTED = "2030-04-01"
DONE: Any = {"batchItemFailures": []}


@dataclass
class Waiting:
    """A shop with one product that may be waited for, of which there is nothing."""

    shop: Shop
    product_id: str
    buyer: Credential
    table: Any
    stream: Stream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = Stream(self.table)

    @classmethod
    def open(cls, shop: Shop, table: Any, sku: str = "LAMP", **product: Any) -> "Waiting":
        given = {"when_out_of_stock": "backorder", "expected_on": EXPECTED} | product
        return cls(shop, shop.product(sku, 10, **given)["id"], shop.customer(f"{sku.lower()}@example.com"), table)

    def order(self, units: int = 1, *more: tuple[str, int]) -> str:
        return self.shop.order(self.buyer, (self.product_id, units), *more)

    def line(self, order_id: str, number: int = 0) -> Any:
        return self.shop.do("admin/orders/get_order", order_id=order_id)["items"][number]

    def waiting(self, order_id: str) -> int:
        return int(self.line(order_id)["waiting"])

    def backorders(self) -> list[Any]:
        return list(self.shop.do("admin/backorders/list_backorders"))

    def receive(self, units: int, warehouse: str = "wh_001") -> None:
        self.shop.receive(self.product_id, units, warehouse)

    def stock(self) -> tuple[int, int]:
        levels = self.shop.do("v2/inventory/get_inventory", product_id=self.product_id)
        return levels["total_available"], levels["total_reserved"]

    def allocate(self, backorder_id: str) -> Answered:
        return self.shop.call("admin/backorders/allocate_backorder", item_id=backorder_id)

    def auto_allocate(self) -> Any:
        return self.shop.do("admin/backorders/auto_allocate")

    def published(self) -> list[Event[Any]]:
        """The events of what was written since, as the stream puts them on the bus."""
        bus = Bus()
        with mock.patch.object(aws, "client", return_value=bus), mock.patch.dict(os.environ, EVENT_BUS_NAME="till"):
            assert deliver("publish_events", self.stream.read()) == []
        return [read(detail) for detail in bus.details]

    def arrives(self) -> list[Event[Any]]:
        """Let whoever listens for arrivals hear of what happened, until nothing more does; give the events."""
        told: list[Event[Any]] = []
        while events := self.published():
            told += events
            messages = [message(event) for event in events if is_heard(event)]
            assert handler("queues/allocate_arrivals").handler({"Records": messages}, None) == DONE
        return told


def is_heard(event: Event[Any]) -> bool:
    """Whether the rules of the bus let an event through to the queue of arrivals."""
    shown: Any = event.data.object
    arrived = event.type == "stock.changed" and shown.arrived
    return arrived or (event.type == "order.created" and any(item.waiting for item in shown.items))


def message(event: Event[Any]) -> dict[str, Any]:
    """An event as a rule puts it into the queue."""
    return {"messageId": f"message-{event.id}", "body": f'{{"detail":{event.model_dump_json()}}}'}


def arrival(tenant: Tenant, product_id: str, variant_id: str) -> dict[str, Any]:
    """A message that stock of a variant arrived, with no more in it than is looked at."""
    shown = {"product_id": product_id, "variant_id": variant_id, "arrived": True}
    detail = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "data": {"object": shown}}
    return {"messageId": "message", "body": json.dumps({"detail": detail | {"type": "stock.changed"}})}
