"""Orders on the wire (contract OR-01…03, OR-06, MO-01…03, NT-03, TR-01, TR-02)."""

from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from commerce.events.model import TimelineEvent, TimelineType
from commerce.fulfillment.contracts import ShipmentFields, ShipmentOut, shared
from commerce.fulfillment.model import Shipment
from commerce.http.contracts import Id, Instant, Major, OrderId, Output, Query
from commerce.http.dates import DayOut
from commerce.http.pages import OffsetQuery
from commerce.orders.model import (
    Address,
    Axis,
    Facets,
    LineStatus,
    ListedOrder,
    Order,
    OrderLine,
    SoldGiftCard,
    Status,
    Tender,
    TenderKind,
)
from commerce.orders.queries import Detailed, FindOrders
from commerce.orders.tracking import Tracked, TrackingCode
from commerce.promotions.applied_contracts import AppliedDiscountOut


class OrderRowOut(Output):
    """One line of an order list; ``items_count`` counts units."""

    id: str
    customer_id: str
    status: Status
    total: Major
    items_count: int
    created_at: Instant

    @classmethod
    def of(cls, order: ListedOrder) -> "OrderRowOut":
        return cls(
            id=order.order_id,
            customer_id=order.customer_id,
            status=order.status,
            total=order.total.major,
            items_count=order.units,
            created_at=order.placed_at,
        )


class MyOrdersQuery(OffsetQuery):
    status: Status | None = None

    def of_customer(self, customer_id: str | None) -> FindOrders:
        facets: Facets = {} if self.status is None else {Axis.STATUS: self.status}
        return FindOrders(page=self.page_request(), facets=facets, customer_id=customer_id)


class OrdersQuery(MyOrdersQuery):
    customer_id: Id | None = None


class LineOut(Output):
    """``shipped`` units have left; ``waiting`` ones wait for stock, which should be there on ``expected_date``;
    ``given_up`` ones will never leave."""

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
    unit_price: Major
    total: Major
    discount: Annotated[Major, Field(description="What of the order's discount is this line's")]

    @classmethod
    def of(cls, line: OrderLine) -> "LineOut":
        return cls(
            id=line.line_id,
            product_id=line.product_id,
            variant_id=line.variant_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            shipped=line.shipped,
            waiting=line.waiting,
            given_up=line.given_up,
            backorder_id=line.backorder_id,
            expected_date=None if line.expected_on is None else line.expected_on.isoformat(),
            unit_price=line.unit_price.major,
            total=line.total.major,
            discount=line.discount.major,
        )


class AddressOut(Output):
    name: str
    company: str | None
    street: str
    address2: str | None
    city: str
    state: str | None
    zip: str | None
    country: str
    phone: str | None

    @classmethod
    def of(cls, address: Address) -> "AddressOut":
        return cls(
            name=address.name,
            company=address.company,
            street=address.address1,
            address2=address.address2,
            city=address.city,
            state=address.state,
            zip=address.postal_code,
            country=address.country,
            phone=address.phone,
        )


class TimelineOut(Output):
    """``status`` for what changes a state, ``content`` for words."""

    id: str
    at: Instant
    actor: str
    type: TimelineType
    status: str | None = None
    content: str | None = None

    @classmethod
    def of(cls, event: TimelineEvent) -> "TimelineOut":
        return cls(
            id=event.event_id,
            at=event.at,
            actor=event.actor,
            type=event.type,
            status=event.status,
            content=event.content,
        )


class CustomerOut(Output):
    id: str
    email: str
    name: str


class TenderOut(Output):
    """Stored value that pays for the order: ``amount`` of it, of which ``refunded`` went back.

    ``id`` is the redemption of a gift card or the lot of store credit; no gift card's number is told.
    """

    type: TenderKind
    id: str
    amount: Major
    refunded: Major

    @classmethod
    def of(cls, tender: Tender) -> "TenderOut":
        return cls(
            type=tender.kind,
            id=tender.tender_id,
            amount=tender.amount.major,
            refunded=tender.given_back.major,
        )


class SoldGiftCardOut(Output):
    """A gift card that is bought with the order: ``issued`` and on its way to its recipient once the order is paid."""

    id: str
    amount: Major
    recipient_email: str
    issued: bool

    @classmethod
    def of(cls, card: SoldGiftCard) -> "SoldGiftCardOut":
        return cls(
            id=card.line_id,
            amount=card.amount.major,
            recipient_email=card.recipient_email,
            issued=card.serial is not None,
        )


class OrderFields(Output):
    """What merchant and customer both see of an order; ``amount_due`` is what is still to be paid with money."""

    id: str
    status: Status
    payment_status: str
    fulfillment_status: str
    items: list[LineOut]
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
    shipping_address: AddressOut
    billing_address: AddressOut | None
    tracking_number: str | None
    carrier: str | None
    estimated_delivery: str | None
    expires_at: Instant | None
    created_at: Instant
    updated_at: Instant


class OrderOut(OrderFields):
    """A whole order. ``timeline`` holds the newest fifty events, newest first; ``timeline_url`` leads to all."""

    shipments: list[ShipmentOut]
    customer_id: str
    customer: CustomerOut
    payment_intent_id: str | None
    timeline: list[TimelineOut]
    timeline_url: str
    metadata: dict[str, str]
    version: int

    @classmethod
    def of(cls, detailed: Detailed) -> "OrderOut":
        order = detailed.order
        return cls(
            **_shared(order),
            customer_id=order.buyer.customer_id,
            customer=CustomerOut(id=order.buyer.customer_id, email=order.buyer.email, name=order.buyer.name),
            payment_intent_id=order.payment_intent_id,
            shipments=[ShipmentOut.of(each) for each in detailed.shipments],
            timeline=[TimelineOut.of(event) for event in detailed.timeline],
            timeline_url=f"/admin/orders/{order.order_id}/timeline",
            metadata=order.metadata,
            version=order.version,
        )


class MyTimelineOut(Output):
    at: Instant
    type: TimelineType
    status: str | None


class MyOrderOut(OrderFields):
    """A customer's own order: without the merchant's actors and payment ids; notes are not even read for it."""

    shipments: list[ShipmentOut]
    timeline: list[MyTimelineOut]

    @classmethod
    def of(cls, detailed: Detailed) -> "MyOrderOut":
        timeline = [MyTimelineOut(at=each.at, type=each.type, status=each.status) for each in detailed.timeline]
        shipments = [ShipmentOut.of(each) for each in detailed.shipments]
        return cls(**_shared(detailed.order), shipments=shipments, timeline=timeline)


class CountsOut(Output):
    """Orders by status, for badges; kept within about a second of the orders themselves."""

    pending_payment: int
    pending: int
    processing: int
    shipped: int
    delivered: int
    cancelled: int
    total: int


class TrackQuery(Query):
    """The order's id and its buyer's e-mail, or the token of a link, which also names the shop."""

    order_id: OrderId | None = None
    email: Annotated[str, Field(min_length=3, max_length=254)] | None = None
    token: Annotated[str, Field(min_length=1, max_length=512)] | None = None

    @model_validator(mode="after")
    def _says_which(self) -> "TrackQuery":
        if (self.order_id is None, self.email is None, self.token is None) not in _ONE_WAY:
            raise PydanticCustomError("id_and_email_or_token", "Give order_id and email, or token alone")
        return self

    @property
    def subject(self) -> str:
        """What a wrong guess is about."""
        return self.order_id or str(self.token)


_ONE_WAY = ((False, False, True), (True, True, False))


class TrackingCodeOut(Output):
    """`qr_code_url` is a PNG, for whoever has the link within 15 minutes. The link in the code works until
    `tracks_until` and shows what tracking by id and e-mail does."""

    qr_code_url: Annotated[str, Field(examples=["https://till-files.s3.amazonaws.com/tracking-codes/…"])]
    order_id: str
    tracks_until: Instant

    @classmethod
    def of(cls, code: TrackingCode) -> "TrackingCodeOut":
        return cls(qr_code_url=code.url, order_id=code.order_id, tracks_until=code.tracks_until)


class TrackedItemOut(Output):
    name: str
    quantity: int
    status: LineStatus


class ParcelItemOut(Output):
    name: str
    quantity: int


class ParcelOut(ShipmentFields):
    """Units that left together."""

    items: list[ParcelItemOut]

    @classmethod
    def of(cls, shipment: Shipment, order: Order) -> "ParcelOut":
        units = shipment.items
        lines = [line for line in order.lines if line.line_id in units]
        items = [ParcelItemOut(name=line.name, quantity=units[line.line_id]) for line in lines]
        return cls(**shared(shipment), items=items)


class TrackedOut(Output):
    """What anybody who knows id and e-mail may see: no address and no price.

    Above ``items`` stands the tracking of what left last; ``shipments`` has all of it, oldest first.
    """

    order_id: str
    status: Status
    tracking_number: str | None
    carrier: str | None
    estimated_delivery: Annotated[str, Field(json_schema_extra={"format": "date"})] | None
    items: list[TrackedItemOut]
    shipments: list[ParcelOut]

    @classmethod
    def of(cls, tracked: Tracked) -> "TrackedOut":
        order = tracked.order
        return cls(
            order_id=order.order_id,
            status=order.status,
            tracking_number=order.tracking_number,
            carrier=order.carrier,
            estimated_delivery=order.estimated_delivery,
            items=[
                TrackedItemOut(name=line.name, quantity=line.quantity, status=order.status_of(line))
                for line in order.lines
            ],
            shipments=[ParcelOut.of(each, order) for each in tracked.shipments],
        )


def _shared(order: Order) -> dict[str, Any]:
    """Values of ``OrderFields``."""
    return {
        "id": order.order_id,
        "status": order.status,
        "payment_status": str(order.payment_status),
        "fulfillment_status": str(order.fulfillment_status),
        "items": [LineOut.of(line) for line in order.lines],
        "items_count": order.units,
        "currency": order.currency,
        "subtotal": order.subtotal.major,
        "discount": order.discount.major,
        "discounts": [AppliedDiscountOut.of(each) for each in order.discounts],
        "shipping": order.shipping.major,
        "tax": order.tax.major,
        "total": order.total.major,
        "amount_due": order.outstanding.major,
        "refunded": order.refunded.major,
        "tenders": [TenderOut.of(tender) for tender in order.tenders],
        "gift_cards": [SoldGiftCardOut.of(card) for card in order.gift_cards],
        "shipping_address": AddressOut.of(order.shipping_address),
        "billing_address": AddressOut.of(order.billing_address) if order.billing_address else None,
        "tracking_number": order.tracking_number,
        "carrier": order.carrier,
        "estimated_delivery": order.estimated_delivery,
        "expires_at": order.expires_at,
        "created_at": order.placed_at,
        "updated_at": order.updated_at,
    }
