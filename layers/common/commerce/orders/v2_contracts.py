"""Orders on the wire of v2 (contract OR-07, OR-09, OR-11): the same orders as ``/admin``'s, in v2's words."""

from typing import Annotated

from pydantic import Field

from commerce.fulfillment.contracts import V2ShipmentOut
from commerce.http.contracts import Id, Instant, Major, Output
from commerce.http.dates import Bound, DayOut
from commerce.http.pages import PageQuery
from commerce.kernel.caller import Caller
from commerce.kernel.periods import Bounds
from commerce.orders.contracts import CustomerOut, SoldGiftCardOut, TenderOut, TimelineOut
from commerce.orders.model import (
    Axis,
    Facets,
    FulfillmentStatus,
    ListedOrder,
    Order,
    PaymentStatus,
    Status,
)
from commerce.orders.queries import Detailed, FindOrders
from commerce.orders.representation import as_object
from commerce.promotions.applied_contracts import AppliedDiscountOut


class V2ItemOut(Output):
    """``shipped`` units have left, ``waiting`` ones wait for stock, which should be there on ``expected_date``, and
    ``given_up`` ones will never leave.

    ``catalogue_price`` is what the catalogue asked, where the order has another price.
    """

    id: str
    product_id: str
    variant_id: str
    sku: str
    name: str
    quantity: int
    shipped: int
    waiting: int
    given_up: int
    backorder_id: str | None
    expected_date: DayOut | None
    price: Major
    catalogue_price: Major | None
    total: Major
    discount: Annotated[Major, Field(description="What of the order's discount is this line's")]


class V2AddressOut(Output):
    name: str
    company: str | None
    address1: str
    address2: str | None
    city: str
    state: str | None
    postal_code: str | None
    country: str
    phone: str | None


class V2OrderOut(Output):
    """An order as v2 and its events show it."""

    id: str
    customer_id: str
    customer: CustomerOut
    status: Status
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    items: list[V2ItemOut]
    items_count: int
    currency: str
    subtotal: Major
    discount: Major
    discounts: list[AppliedDiscountOut]
    shipping: Major
    tax: Major
    total: Major
    amount_due: Major
    refunded: Major
    tenders: list[TenderOut]
    gift_cards: list[SoldGiftCardOut]
    shipping_address: V2AddressOut
    billing_address: V2AddressOut | None
    payment_method: str | None
    shipping_method: str | None
    payment_intent_id: str | None
    tracking_number: str | None
    carrier: str | None
    estimated_delivery: str | None
    metadata: dict[str, str]
    version: int
    expires_at: Instant | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, order: Order) -> "V2OrderOut":
        return cls(**as_object(order))


class V2DetailedOrderOut(V2OrderOut):
    """A whole order. ``timeline`` holds the newest fifty events, newest first; ``timeline_url`` leads to all."""

    shipments: list[V2ShipmentOut]
    timeline: list[TimelineOut]
    timeline_url: str

    @classmethod
    def of_detailed(cls, detailed: Detailed) -> "V2DetailedOrderOut":
        return cls(
            **as_object(detailed.order),
            shipments=[V2ShipmentOut.of(each) for each in detailed.shipments],
            timeline=[TimelineOut.of(event) for event in detailed.timeline],
            timeline_url=f"/admin/orders/{detailed.order.order_id}/timeline",
        )


class V2OrderRowOut(Output):
    """An order in a list. Its items, customer and addresses are on ``GET /v2/orders/{id}``."""

    id: str
    customer_id: str
    status: Status
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    items_count: int
    currency: str
    total: Major
    refunded: Major
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, order: ListedOrder) -> "V2OrderRowOut":
        return cls(
            id=order.order_id,
            customer_id=order.customer_id,
            status=order.status,
            payment_status=order.payment_status,
            fulfillment_status=order.fulfillment_status,
            items_count=order.units,
            currency=order.currency,
            total=order.total.major,
            refunded=order.refunded.major,
            version=order.version,
            created_at=order.placed_at,
            updated_at=order.updated_at,
        )


class V2OrdersQuery(PageQuery):
    status: Status | None = None
    payment_status: PaymentStatus | None = None
    fulfillment_status: FulfillmentStatus | None = None
    customer_id: Id | None = None
    date_from: (
        Annotated[Bound, Field(description="A day in X-Timezone, or else in the shop's time zone, or an instant")]
        | None
    ) = None
    date_to: Annotated[Bound, Field(description="Inclusive, like date_from")] | None = None

    def to_command(self, caller: Caller) -> FindOrders:
        asked = {
            Axis.STATUS: self.status,
            Axis.PAYMENT: self.payment_status,
            Axis.FULFILLMENT: self.fulfillment_status,
        }
        facets: Facets = {axis: state for axis, state in asked.items() if state is not None}
        return FindOrders(
            page=self.page_request(),
            facets=facets,
            customer_id=self.customer_id,
            placed=Bounds(self.date_from, self.date_to),
            timezone=caller.locale.timezone,
            counted=True,
        )
