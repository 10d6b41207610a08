"""Orders coming in over the wire (contract OR-02, MO-02), apart from how they are shown."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Id, Input, Instant, Major, Output, Quantity
from commerce.kernel.limits import MAX_LINES
from commerce.orders.addresses import AddressIn
from commerce.orders.model import Order, Status
from commerce.orders.placing import PlaceOrder, WantedItem
from commerce.promotions.applied_contracts import TypedCode
from commerce.promotions.model import MAX_CODES

_EXAMPLE_ADDRESS = {"name": "Jane Doe", "street": "123 Main St", "city": "Springfield", "state": "IL", "zip": "62701"}


CouponCodes = Annotated[
    list[TypedCode],
    Field(max_length=MAX_CODES, description="Coupons: one on the price and one on shipping go together"),
]


class ItemIn(Input):
    product_id: Id
    variant_id: Annotated[Id, Field(description="Needed where the product has several variants")] | None = None
    quantity: Quantity


class PlaceMyOrderIn(Input):
    """Prices are the catalogue's. ``customer_id`` may be left out; it can only be the caller's own."""

    items: Annotated[list[ItemIn], Field(min_length=1, max_length=MAX_LINES)]
    shipping_address: Annotated[AddressIn, Field(examples=[_EXAMPLE_ADDRESS])] | None = None
    billing_address: AddressIn | None = None
    customer_id: Id | None = None
    coupon_codes: CouponCodes = []

    def to_command(self, customer_id: str, country: str, *, awaits_payment: bool) -> PlaceOrder:
        return PlaceOrder(
            customer_id=customer_id,
            items=tuple(WantedItem(item.product_id, item.variant_id, item.quantity) for item in self.items),
            awaits_payment=awaits_payment,
            shipping_address=self.shipping_address.to_address(country) if self.shipping_address else None,
            billing_address=self.billing_address.to_address(country) if self.billing_address else None,
            coupon_codes=tuple(self.coupon_codes),
        )


class PlaceOrderIn(PlaceMyOrderIn):
    """An order that the merchant places for a customer. Prices are the catalogue's."""

    customer_id: Id


class OrderPlaced(Output):
    id: str
    status: Status
    total: Major
    created_at: Instant

    @classmethod
    def of(cls, order: Order) -> "OrderPlaced":
        return cls(id=order.order_id, status=order.status, total=order.total.major, created_at=order.placed_at)
