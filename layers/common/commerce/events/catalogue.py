"""The events that Till tells the world outside, as typed models (contract 4.5).

No function imports this module: what is told is written as plain values, and the tests hold every event that any of
them causes against these models. ``docs/events.md`` is generated from them.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from commerce.kernel.caller import Mode

Major = Annotated[Decimal, Field(json_schema_extra={"unit": "decimal major units"})]
Minor = Annotated[int, Field(strict=True, json_schema_extra={"unit": "integer minor units"})]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# The objects that events are about, as v2 shows them


class Truncated(Model):
    """In place of an object that is too large for the bus (256 KB): ask the API for it."""

    id: str
    truncated: Literal[True]


class Address(Model):
    """Where an order goes, as it was when the order was placed."""

    name: str
    company: str | None
    address1: str
    address2: str | None
    city: str
    state: str | None
    postal_code: str | None
    country: str
    phone: str | None


class OrderCustomer(Model):
    """The customer as they were when the order was placed."""

    id: str
    email: str
    name: str


class OrderItem(Model):
    """One line of an order, at the price it was ordered for."""

    id: str
    product_id: str
    variant_id: str
    sku: str
    name: str
    quantity: int
    shipped: Annotated[int, Field(description="Units that have left")]
    waiting: Annotated[int, Field(description="Units that wait for stock")]
    given_up: Annotated[int, Field(description="Units that will never leave")]
    backorder_id: Annotated[str | None, Field(description="Where units had to wait")]
    expected_date: Annotated[date | None, Field(description="When the units that wait should be there")]
    price: Major
    catalogue_price: Annotated[Major | None, Field(description="Where another price than the catalogue's was agreed")]
    total: Major
    discount: Annotated[Major, Field(description="What of the order's discount is this line's")]


class AppliedDiscount(Model):
    """A coupon, or an automatic discount: what it takes off the items, and off shipping."""

    type: Literal["coupon", "automatic"]
    id: str
    code: Annotated[str | None, Field(description="The coupon's")]
    name: str
    amount: Major
    shipping: Major


class Tender(Model):
    """Stored value that pays for an order, and what of it went back; no gift card's number is told."""

    type: Literal["gift_card", "store_credit"]
    id: Annotated[str, Field(description="The gift card's redemption, or the lot of store credit")]
    amount: Major
    refunded: Major


class BoughtGiftCard(Model):
    """A gift card that is bought with an order: issued, and mailed to its recipient, once the order is paid."""

    id: str
    amount: Major
    recipient_email: str
    issued: bool


class Order(Model):
    """An order after the change, as `GET /v2/orders/{id}` shows it."""

    id: str
    customer_id: str
    customer: OrderCustomer
    status: Literal["pending_payment", "pending", "processing", "shipped", "delivered", "cancelled"]
    payment_status: Literal["pending", "authorized", "paid", "failed", "voided", "partially_refunded", "refunded"]
    fulfillment_status: Literal["unfulfilled", "partial", "fulfilled", "returned"]
    items: list[OrderItem]
    items_count: Annotated[int, Field(description="Units")]
    currency: str
    subtotal: Major
    discount: Major
    discounts: list[AppliedDiscount]
    shipping: Annotated[Major, Field(description="What is left of it")]
    tax: Major
    total: Major
    amount_due: Annotated[Major, Field(description="What is still to be paid with money")]
    refunded: Major
    tenders: list[Tender]
    gift_cards: list[BoughtGiftCard]
    shipping_address: Address
    billing_address: Address | None
    payment_method: str | None
    shipping_method: str | None
    payment_intent_id: str | None
    tracking_number: str | None
    carrier: str | None
    estimated_delivery: date | None
    metadata: dict[str, str]
    version: int
    expires_at: Annotated[AwareDatetime | None, Field(description="Until when it waits for its payment")]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Product(Model):
    """A product after the change; `GET /v2/products/{id}` shows all of it."""

    id: str
    sku: str
    name: str
    price: Major
    status: Literal["draft", "active", "archived"]


class Reorder(Model):
    """What is to be reordered when stock is low."""

    enabled: Annotated[bool, Field(strict=True)]
    quantity: Annotated[int, Field(strict=True, ge=1, description="Units")]
    supplier: str | None


class StockAlert(Model):
    """An alert after the change, as `GET /v2/inventory/{product_id}/alerts` shows it, and the stock that it watches."""

    id: str
    product_id: str
    variant_id: Annotated[str | None, Field(description="Null where all variants are watched together")]
    location: Annotated[str | None, Field(description="Warehouse; null where all are watched together")]
    threshold: Annotated[int, Field(strict=True, ge=1, description="Units")]
    reorder: Reorder | None
    available: Annotated[int, Field(strict=True, ge=0, description="Units")]
    status: str
    version: Annotated[int, Field(strict=True, ge=1)]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class AlertedProduct(Model):
    """Whose stock is to be looked at."""

    product_id: str


class PurchaseOrder(Model):
    """A purchase order after the change, as `GET /v2/purchase-orders/{id}` shows it."""

    id: str
    status: str
    alert_id: str
    product_id: str
    variant_id: Annotated[str | None, Field(description="Null where the alert watches all variants together")]
    location: Annotated[str | None, Field(description="Warehouse; null where all are watched together")]
    quantity: Annotated[int, Field(strict=True, ge=1, description="Units")]
    supplier: str | None
    version: Annotated[int, Field(strict=True, ge=1)]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class StockLevel(Model):
    """What was available of a variant in a warehouse right after the change."""

    product_id: str
    variant_id: str
    warehouse_id: str
    available: Annotated[int, Field(strict=True, ge=0, description="Units")]
    arrived: Annotated[bool, Field(strict=True, description="Whether it was more than before")]


class Customer(Model):
    """A customer after the change, without the addresses."""

    id: str
    email: str
    first_name: str
    last_name: str
    phone: str | None
    tags: list[str]
    created_at: AwareDatetime


class Payment(Model):
    """A payment after the change, as `GET /v2/payments/{id}` shows it."""

    id: str
    status: str
    amount: Minor
    amount_received: Minor
    amount_refunded: Minor
    currency: Annotated[str, Field(description="Lower case, as the payment provider writes it")]
    order_id: str
    customer_id: str
    capture_method: Literal["automatic", "manual"]
    payment_method: str | None
    metadata: dict[str, str]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Dispute(Model):
    """A dispute after the change, as `GET /v2/payments/disputes` shows it."""

    id: str
    payment_id: str
    order_id: str
    customer_id: str
    status: Annotated[str, Field(description="In the payment provider's words; a `warning` takes no money")]
    reason: Annotated[str, Field(description="What the card's holder gave, in the payment provider's words")]
    amount: Minor
    amount_withdrawn: Minor
    amount_reinstated: Minor
    amount_lost: Minor
    currency: Annotated[str, Field(description="Lower case, as the payment provider writes it")]
    evidence_due_by: AwareDatetime | None
    evidence_overdue: bool
    evidence_submissions: Annotated[int, Field(strict=True, ge=0, description="How often evidence went to the bank")]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ReturnItem(Model):
    """Units of an order's line that are to be returned."""

    order_item_id: str
    quantity: int
    reason: str


class ReturnReceipt(Model):
    """Units that came back, or did not, and what became of them."""

    order_item_id: str
    quantity: int
    disposition: Literal["restock", "quarantine", "discard", "missing"]
    condition: str | None
    location: Annotated[str | None, Field(description="Warehouse")]


class Return(Model):
    """A return after the change."""

    id: str
    order_id: str
    customer_id: str
    status: Literal[
        "pending", "approved", "partially_received", "received", "refunded", "closed", "rejected", "cancelled"
    ]
    reason: Annotated[str, Field(description="Of all its items, or `mixed`")]
    rma_number: Annotated[str | None, Field(description="Once it is approved")]
    refund_method: Literal["original_payment", "store_credit", "gift_card"]
    total_refund: Annotated[Major, Field(description="What goes back as things stand, then what was given back")]
    currency: str
    refund_id: str | None
    items: list[ReturnItem]
    receipts: list[ReturnReceipt]
    ended_because: Annotated[str | None, Field(description="Why it was rejected or cancelled")]
    version: int
    deadline: Annotated[AwareDatetime | None, Field(description="Until when it waits for somebody")]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ShipmentItem(Model):
    """Units of an order's line."""

    order_item_id: str
    quantity: int


class Shipment(Model):
    """Units of an order that left together."""

    id: str
    order_id: str
    carrier: Annotated[str | None, Field(description="Lower case; none where nobody said")]
    service: str | None
    tracking_number: str | None
    status: Literal["created", "in_transit", "delivered"]
    items: list[ShipmentItem]
    estimated_delivery: date | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Subscription(Model):
    """What a customer pays for again and again."""

    id: str
    customer_id: str
    plan_id: str
    status: Literal["trial", "active", "past_due", "canceled", "unpaid"]
    trial_ends_at: AwareDatetime | None
    current_period_end: AwareDatetime
    created_at: AwareDatetime
    updated_at: AwareDatetime


class GiftCardDelivery(Model):
    """A gift card that is to be mailed: neither its PIN nor its recipient is told."""

    serial: str
    generation: Annotated[int, Field(strict=True, ge=1, description="Which of the card's PINs, counted from 1")]


class Notice(Model):
    """What an order's buyer is to be told by mail; the address is looked up when it is sent."""

    kind: Annotated[str, Field(description="What it is about, such as `shipment`")]
    order_id: str
    subject_id: Annotated[str, Field(description="Which one: one mail is sent per kind and subject")]
    data: Annotated[dict[str, Any], Field(description="What the mail says beyond what is stored")]


class RefundTold(Model):
    """Which refund it is, and what became of it so far."""

    order_id: str
    refund_id: str
    return_id: str | None
    status: Literal["pending", "succeeded", "failed"]


class ReturnWorkflow(Model):
    """A return whose workflow begins anew."""

    return_id: str
    generation: Annotated[int, Field(strict=True, ge=2, description="Which of its executions, counted from 1")]
    actor: Annotated[str, Field(description="Who asked for it")]


class GiftCardBatch(Model):
    """A batch of gift cards whose cards are to be issued."""

    id: str
    quantity: Annotated[int, Field(strict=True, ge=1, description="Cards")]


class Backorder(Model):
    """Units of an order's item that had to wait for stock, after some of them got it."""

    id: str
    type: Literal["backorder", "preorder"]
    order_id: str
    order_item_id: str
    product_id: str
    variant_id: str
    quantity: Annotated[int, Field(strict=True, ge=1, description="Units that had to wait")]
    allocated: Annotated[int, Field(strict=True, ge=1, description="Those that have stock")]
    remaining: Annotated[int, Field(strict=True, ge=0, description="Those that wait")]
    status: Literal["partially_allocated", "allocated"]
    expected_date: Annotated[date | None, Field(description="What the customer was last told")]
    priority: Annotated[int, Field(strict=True, ge=0, le=9)]
    version: Annotated[int, Field(strict=True, ge=1)]
    created_at: AwareDatetime
    allocation_id: str
    quantity_allocated: Annotated[int, Field(strict=True, ge=1, description="Units that got stock just now")]


class Job(Model):
    """A job that is to be done."""

    id: str
    type: Literal[
        "product_update",
        "product_import",
        "stock_adjustment",
        "bulk_dispatch",
        "product_export",
        "order_export",
        "inventory_export",
    ]


# Events


class Data[Of: Model](Model):
    object: Of | Truncated


class Event[Of: Model](Model):
    """What subscribers get. ``sequence`` numbers the events of one ``ordering_key`` from 1 on, without a gap."""

    emitted: ClassVar[bool] = True
    internal: ClassVar[bool] = False  # between Till's own parts; never forwarded to a merchant's webhook

    id: Annotated[str, Field(pattern=r"^evt_\w+$", description="The same when the event is delivered again")]
    type: str
    created_at: AwareDatetime
    tenant: str
    mode: Mode
    ordering_key: Annotated[
        str, Field(description="Id of what the event is numbered with: an order, a return, a product, a customer …")
    ]
    sequence: Annotated[int, Field(strict=True, ge=1)]
    data: Data[Of]


class OrderCreated(Event[Order]):
    """An order was placed, by the shop or by its customer."""

    type: Literal["order.created"]


class OrderUpdated(Event[Order]):
    """An order's status or payment status changed in a way that no other event of orders tells."""

    type: Literal["order.updated"]


class OrderCancelled(Event[Order]):
    """An order was cancelled, or was not paid in time; its stock is free again."""

    type: Literal["order.cancelled"]


class OrderFulfilled(Event[Order]):
    """All of an order is on its way."""

    type: Literal["order.fulfilled"]


class OrderRefunded(Event[Order]):
    """Money of an order was given back, part of it or all."""

    type: Literal["order.refunded"]


class ProductCreated(Event[Product]):
    """A product was added."""

    type: Literal["product.created"]


class ProductUpdated(Event[Product]):
    """A product was changed."""

    type: Literal["product.updated"]


class ProductDeleted(Event[Product]):
    """A product was archived; it can still be read by its id."""

    type: Literal["product.deleted"]


class InventoryLow(Event[StockAlert]):
    """Available stock fell below the threshold of an alert; told again only after it had recovered. Numbered with the
    events of its alert."""

    type: Literal["inventory.low"]


class InventoryOutOfStock(Event[StockAlert]):
    """No unit is available any more where an alert watches; told again only after stock had recovered. Numbered with
    the events of its alert."""

    type: Literal["inventory.out_of_stock"]


class PurchaseOrderDrafted(Event[PurchaseOrder]):
    """Stock is low and its alert is set to reorder: a purchase order waits for somebody to send it to the supplier."""

    type: Literal["purchase_order.drafted"]


class CustomerCreated(Event[Customer]):
    """A customer was added, or signed up."""

    type: Literal["customer.created"]


class CustomerUpdated(Event[Customer]):
    """A customer's profile or addresses changed."""

    type: Literal["customer.updated"]


class PaymentSucceeded(Event[Payment]):
    """Money was collected. Numbered with the events of its order."""

    type: Literal["payment.succeeded"]


class PaymentFailed(Event[Payment]):
    """An attempt to pay was refused, or the payment was called off. Numbered with the events of its order."""

    type: Literal["payment.failed"]


class PaymentRefunded(Event[Payment]):
    """Collected money was given back, part of it or all. Numbered with the events of its order."""

    type: Literal["payment.refunded"]


class DisputeCreated(Event[Dispute]):
    """A card's holder disputes a payment, or inquires about it. Numbered with the events of its order."""

    type: Literal["dispute.created"]


class DisputeUpdated(Event[Dispute]):
    """Money was taken or given back for a dispute, evidence was handed in, or its date has passed. Numbered with the
    events of its order."""

    type: Literal["dispute.updated"]


class DisputeClosed(Event[Dispute]):
    """A dispute was won, lost, or came to nothing. Numbered with the events of its order."""

    type: Literal["dispute.closed"]


class ReturnCreated(Event[Return]):
    """Somebody asked for units of an order to be taken back."""

    type: Literal["return.created"]


class ReturnApproved(Event[Return]):
    """The goods of a return may be sent back; it has its RMA number and its label."""

    type: Literal["return.approved"]


class ReturnReceived(Event[Return]):
    """Units of a return were accounted for; its status says whether all of them are."""

    type: Literal["return.received"]


class ReturnRefunded(Event[Return]):
    """A return was refunded; told again where that failed and was done anew."""

    type: Literal["return.refunded"]


class ReturnClosed(Event[Return]):
    """What was given back for a return has arrived."""

    type: Literal["return.closed"]


class ReturnRejected(Event[Return]):
    """A return was refused, or nobody decided about it in time."""

    type: Literal["return.rejected"]


class ReturnCancelled(Event[Return]):
    """A return was called off, or nothing of it came back."""

    type: Literal["return.cancelled"]


class ShipmentCreated(Event[Shipment]):
    """Units of an order have left, all of it or a part. Numbered with the events of its order."""

    type: Literal["shipment.created"]


class BackorderAllocated(Event[Backorder]):
    """Stock was set aside for units that waited for it. Numbered with the events of their order."""

    type: Literal["backorder.allocated"]


class ShipmentInTransit(Event[Shipment]):
    """The carrier has the parcel."""

    emitted: ClassVar[bool] = False
    type: Literal["shipment.in_transit"]


class ShipmentDelivered(Event[Shipment]):
    """The parcel is delivered."""

    emitted: ClassVar[bool] = False
    type: Literal["shipment.delivered"]


class SubscriptionTrialEnding(Event[Subscription]):
    """A trial ends in three days."""

    emitted: ClassVar[bool] = False
    type: Literal["subscription.trial_ending"]


class SubscriptionRenewed(Event[Subscription]):
    """A subscription's next period has begun and is paid."""

    emitted: ClassVar[bool] = False
    type: Literal["subscription.renewed"]


class SubscriptionCanceled(Event[Subscription]):
    """A subscription will not be renewed."""

    emitted: ClassVar[bool] = False
    type: Literal["subscription.canceled"]


class GiftCardDeliveryRequested(Event[GiftCardDelivery]):
    """A gift card's number and PIN are to be mailed to its recipient."""

    internal: ClassVar[bool] = True
    type: Literal["gift_card.delivery_requested"]


class AlertSet(Event[AlertedProduct]):
    """An alert on stock was set: what fell meanwhile is to be seen."""

    internal: ClassVar[bool] = True
    type: Literal["inventory.alert_set"]


class StockChanged(Event[StockLevel]):
    """More or fewer units of a variant are available in a warehouse. Each of these stands for itself: they may arrive
    in another order than things happened, and what is there now is the table's to tell."""

    internal: ClassVar[bool] = True
    type: Literal["stock.changed"]


class CustomerNotice(Event[Notice]):
    """An order's buyer is to be told something by mail."""

    internal: ClassVar[bool] = True
    type: Literal["customer.notice"]


class RefundRequested(Event[RefundTold]):
    """The payment provider is to be asked for a refund."""

    internal: ClassVar[bool] = True
    type: Literal["refund.requested"]


class RefundSettled(Event[RefundTold]):
    """A refund that a return waits for has succeeded or failed."""

    internal: ClassVar[bool] = True
    type: Literal["refund.settled"]


class ReturnRedriveRequested(Event[ReturnWorkflow]):
    """Another execution is to take the place of the one that follows a return."""

    internal: ClassVar[bool] = True
    type: Literal["return.redrive_requested"]


class GiftCardBatchRequested(Event[GiftCardBatch]):
    """A batch of gift cards is to be issued, or its issuing stands still and is to go on."""

    internal: ClassVar[bool] = True
    type: Literal["gift_card_batch.requested"]


class JobRequested(Event[Job]):
    """A job is to be done, or stands still and is to go on."""

    internal: ClassVar[bool] = True
    type: Literal["job.requested"]


def _type_of(model: type[Event[Any]]) -> str:
    [name] = get_args(model.model_fields["type"].annotation)
    return str(name)


CATALOGUE: dict[str, type[Event[Any]]] = {
    _type_of(model): model
    for model in (
        OrderCreated,
        OrderUpdated,
        OrderCancelled,
        OrderFulfilled,
        OrderRefunded,
        ProductCreated,
        ProductUpdated,
        ProductDeleted,
        InventoryLow,
        InventoryOutOfStock,
        PurchaseOrderDrafted,
        CustomerCreated,
        CustomerUpdated,
        PaymentSucceeded,
        PaymentFailed,
        PaymentRefunded,
        DisputeCreated,
        DisputeUpdated,
        DisputeClosed,
        ReturnCreated,
        ReturnApproved,
        ReturnReceived,
        ReturnRefunded,
        ReturnClosed,
        ReturnRejected,
        ReturnCancelled,
        ShipmentCreated,
        BackorderAllocated,
        ShipmentInTransit,
        ShipmentDelivered,
        SubscriptionTrialEnding,
        SubscriptionRenewed,
        SubscriptionCanceled,
        GiftCardDeliveryRequested,
        GiftCardBatchRequested,
        JobRequested,
        StockChanged,
        AlertSet,
        CustomerNotice,
        RefundRequested,
        RefundSettled,
        ReturnRedriveRequested,
    )
}


def object_of(model: type[Event[Any]]) -> type[Model]:
    """The model of the object that events of this type carry."""
    of, _truncated = get_args(model.model_fields["data"].annotation.model_fields["object"].annotation)  # type: ignore[union-attr]
    shown: type[Model] = of
    return shown


def read(detail: str) -> Event[Any]:
    """An event as it arrives on the bus.

    Raises:
        KeyError: a type that the catalogue does not have.
        ValidationError: not as the catalogue says.
    """
    return CATALOGUE[_Typed.model_validate_json(detail).type].model_validate_json(detail)


class _Typed(BaseModel):
    type: str
