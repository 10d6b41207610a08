"""Shops in the states that contract tests need, brought there through the API's own handlers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import boto3

from commerce.access import use_cases as access
from commerce.access.use_cases import CreateTenant
from commerce.kernel.caller import Tenant
from commerce.table.transaction import run
from tests.payments import Stripe, settle
from tests.shop import TENANT, Answered, Call, Credential, customer_credential, handler

HOME = {
    "first_name": "Jane",
    "last_name": "Doe",
    "address1": "123 Main St",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
}


@dataclass
class Shop:
    """One tenant's shop. Every method acts through an endpoint and insists that it succeeds."""

    call: Call
    tenant: Tenant = TENANT
    merchant: Credential = field(init=False)

    def __post_init__(self) -> None:
        self.merchant = Credential(tenant=self.tenant)

    def open(self) -> "Shop":
        """Enter the tenant itself, which webhooks and schedules look up."""
        opened = CreateTenant(
            tenant_id=self.tenant.tenant_id,
            name="Shop",
            currency=self.tenant.currency,
            timezone=self.tenant.timezone,
            country=self.tenant.country,
            warehouses=self.tenant.warehouses,
            mode=self.tenant.mode,
        )
        run(lambda tx: access.create_tenant(tx, opened))
        return self

    def do(self, path: str, *, by: Credential | None = None, **request: Any) -> Any:
        """Call an endpoint; give the payload without its envelope."""
        answered: Answered = self.call(path, credential=by or self.merchant, **request)
        assert answered.status in (200, 201, 204), answered.text
        body = answered.body
        return body["data"] if isinstance(body, dict) and body.get("success") is True else body

    def product(self, sku: str, price: Any, *, stock: int = 0, warehouse: str = "wh_001", **more: Any) -> Any:
        body = {"name": f"Product {sku}", "sku": sku, "price": price} | more
        product = self.do("v2/catalog/create_product", body=body)
        if stock:
            self.receive(product["id"], stock, warehouse)
        return product

    def receive(self, product_id: str, units: int, warehouse: str = "wh_001") -> None:
        change = {"quantity": units, "reason": "restock", "location": warehouse}
        self.do("v2/inventory/adjust_inventory", product_id=product_id, body=change)

    def customer(self, email: str = "jane@example.com") -> Credential:
        body = {"email": email, "first_name": "Jane", "last_name": "Doe", "addresses": [HOME]}
        made = self.do("v2/customers/create_customer", body=body)
        return customer_credential(made["id"], self.tenant)

    def add_to_cart(self, customer: Credential, product_id: str, quantity: int, variant_id: str | None = None) -> Any:
        body = {"product_id": product_id, "quantity": quantity} | ({"variant_id": variant_id} if variant_id else {})
        return self.do("storefront/carts/add_cart_item", by=customer, body=body)

    def order(self, customer: Credential, *lines: tuple[str, int]) -> str:
        """An order that the merchant places for ``customer``; lines are (product id, units)."""
        items = [{"product_id": product_id, "quantity": units} for product_id, units in lines]
        placed = self.do("admin/orders/create_order", body={"customer_id": customer.customer_id, "items": items})
        return str(placed["id"])

    def start_payment(self, order_id: str, minor: int) -> str:
        body = {"order_id": order_id, "amount": minor, "currency": self.tenant.currency.lower()}
        return str(self.do("admin/payments/create_payment_intent", body=body)["payment_intent_id"])

    def add_note(self, order_id: str, content: str) -> str:
        return str(self.do("admin/orders/add_note", order_id=order_id, body={"content": content})["id"])

    def move(self, order_id: str, status: str, **more: Any) -> None:
        self.do("admin/orders/set_order_status", method="PUT", order_id=order_id, body={"status": status} | more)

    def settle(self, stripe: Stripe) -> None:
        """Carry refunds out, deliver everything that Stripe has to tell, and apply it."""
        settle(self.call, stripe)


def rows_as_inserted(table: Any) -> list[dict[str, Any]]:
    """Stream records of all rows of the table, as if each had just been written."""
    found = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    return [
        {
            "eventID": f"{number:032x}",
            "eventName": "INSERT",
            "dynamodb": {"Keys": {"pk": row["pk"], "sk": row["sk"]}, "NewImage": row, "SequenceNumber": str(number)},
        }
        for number, row in enumerate(found, start=1)
    ]


def count(records: Iterable[dict[str, Any]]) -> None:
    """Let the counters follow the table."""
    assert handler("streams/count_rows").handler({"Records": list(records)}, None) == {"batchItemFailures": []}
