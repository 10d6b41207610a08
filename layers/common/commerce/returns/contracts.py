"""Returns on the wire (contract RT-01…RT-08)."""

from typing import Annotated, Any

from pydantic import Field

from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Id, Input, Instant, Line, Major, OrderId, Output, Quantity
from commerce.http.pages import OffsetQuery
from commerce.kernel.caller import Tenant
from commerce.kernel.limits import MAX_LINES
from commerce.orders.model import Order
from commerce.refunds.contracts import RefundOut, RefundStepOut
from commerce.refunds.model import Method, SourceKind
from commerce.returns import labels
from commerce.returns.model import Disposition, Receipt, Return, ReturnItem, ReturnStatus, Step
from commerce.returns.queries import Detailed, Quote
from commerce.returns.use_cases import EndReturn, ReceiveItems, RefundReturn, RequestReturn

_SLUG = r"^[A-Za-z0-9][A-Za-z0-9_\-]*$"
_RMA = r"^[Rr][Mm][Aa]-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}$"

ReasonCode = Annotated[str, Field(strict=True, max_length=50, pattern=_SLUG, examples=["wrong_size"])]
Words = Annotated[Line, Field(examples=["Worn"])]


class ReturnItemIn(Input):
    """``order_item_id`` is the id of the order's line; ``reason`` is a word of the shop's own, such as wrong_size."""

    order_item_id: Annotated[Id, Field(examples=["item_01"])]
    quantity: Quantity
    reason: ReasonCode


Items = Annotated[list[ReturnItemIn], Field(min_length=1, max_length=MAX_LINES)]


class RequestMyReturnIn(Input):
    """``refund_method``: back to what paid, or onto new store credit, or onto a gift card."""

    items: Items
    refund_method: Annotated[Method, Field(examples=["store_credit"])] = Method.ORIGINAL_PAYMENT

    def command_for(self, order_id: str) -> RequestReturn:
        items = tuple(ReturnItem(item.order_item_id, item.quantity, item.reason) for item in self.items)
        return RequestReturn(order_id, items, self.refund_method)


class RequestReturnIn(RequestMyReturnIn):
    order_id: OrderId

    def to_command(self) -> RequestReturn:
        return self.command_for(self.order_id)


class ReceiptIn(Input):
    """``restock`` units go back on sale in the warehouse ``location``; left out, in the one that they came from.

    ``missing`` units did not come back.
    """

    order_item_id: Annotated[Id, Field(examples=["item_01"])]
    quantity: Quantity
    disposition: Disposition
    condition: Annotated[Line, Field(max_length=50, examples=["unopened"])] | None = None
    location: Annotated[Id, Field(description="Warehouse", examples=["wh_001"])] | None = None

    def to_receipt(self) -> Receipt:
        return Receipt(self.order_item_id, self.quantity, self.disposition, self.condition, self.location)


class ReceiveIn(Input):
    items: Annotated[list[ReceiptIn], Field(min_length=1, max_length=4 * MAX_LINES)]

    def to_command(self, return_id: str) -> ReceiveItems:
        return ReceiveItems(return_id, tuple(item.to_receipt() for item in self.items))


class RefundReturnIn(Input):
    """``amount`` is for refunding less than the units are worth, which needs a ``reason``; the customer is told it.
    ``refund_method`` is for another one than was asked for."""

    amount: Annotated[AmountIn, Field(examples=[20])] | None = None
    reason: Words | None = None
    refund_method: Method | None = None

    def to_command(self, return_id: str, currency: str) -> RefundReturn:
        amount = None if self.amount is None else money(self.amount, currency, field="amount")
        return RefundReturn(return_id, amount, self.reason, self.refund_method)


class EndReturnIn(Input):
    """``reason`` is told to the customer; ``note`` stands in the return's history, for the merchant's staff."""

    reason: Words | None = None
    note: Annotated[Line, Field(examples=["Third return this month"])] | None = None

    def to_command(self, return_id: str) -> EndReturn:
        return EndReturn(return_id, self.reason, self.note)


class ReturnsQuery(OffsetQuery):
    """``rma_number`` is what a parcel's label says, and finds the one return that it belongs to."""

    status: ReturnStatus | None = None
    rma_number: Annotated[str, Field(pattern=_RMA, examples=["RMA-7K3M-9Q2X"])] | None = None


class ReturnRowOut(Output):
    """One line of a list. ``reason`` is that of all items, or ``mixed``; ``total_refund`` is what goes back as things
    stand, then what was given back."""

    id: str
    order_id: str
    status: ReturnStatus
    reason: str
    total_refund: Major
    created_at: Instant

    @classmethod
    def of(cls, ret: Return) -> "ReturnRowOut":
        return cls(
            id=ret.return_id,
            order_id=ret.order_id,
            status=ret.status,
            reason=ret.reason,
            total_refund=ret.refund.major,
            created_at=ret.requested_at,
        )


class ReturnMovedOut(Output):
    """A return after a move."""

    return_id: str
    status: ReturnStatus
    total_refund: Major
    version: int
    updated_at: Instant

    @classmethod
    def of(cls, ret: Return) -> "ReturnMovedOut":
        return cls(
            return_id=ret.return_id,
            status=ret.status,
            total_refund=ret.refund.major,
            version=ret.version,
            updated_at=ret.updated_at,
        )


class ApprovedOut(ReturnMovedOut):
    """``rma_label_url`` leads to the label, a PDF, for a quarter of an hour; a new link is with the return."""

    rma_number: str
    rma_label_url: str | None

    @classmethod
    def approved(cls, tenant: Tenant, ret: Return) -> "ApprovedOut":
        moved = ReturnMovedOut.of(ret)
        return cls(**dict(moved), rma_number=ret.rma_number, rma_label_url=labels.link(tenant, ret))


class ReturnItemOut(Output):
    order_item_id: str
    name: str
    sku: str
    quantity: int
    reason: str

    @classmethod
    def of(cls, item: ReturnItem, order: Order) -> "ReturnItemOut":
        line = next(line for line in order.lines if line.line_id == item.line_id)
        return cls(order_item_id=item.line_id, name=line.name, sku=line.sku, quantity=item.quantity, reason=item.reason)


class ReceiptOut(Output):
    order_item_id: str
    quantity: int
    disposition: Disposition
    condition: str | None
    location: str | None

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptOut":
        return cls(
            order_item_id=receipt.line_id,
            quantity=receipt.quantity,
            disposition=receipt.disposition,
            condition=receipt.condition,
            location=receipt.warehouse_id,
        )


class StepOut(Output):
    """What happened to a return, by whom, and what it was then; ``items`` are what was received."""

    at: Instant
    actor: str
    event: Annotated[str, Field(examples=["received"])]
    status: ReturnStatus
    reason: str | None
    note: str | None
    refund_id: str | None
    items: list[ReceiptOut]

    @classmethod
    def of(cls, step: Step) -> "StepOut":
        received = step.data.get("items", [])
        return cls(
            at=step.at,
            actor=step.actor,
            event=step.what,
            status=step.status,
            reason=step.data.get("reason"),
            note=step.data.get("note"),
            refund_id=step.data.get("refund_id"),
            items=[ReceiptOut.of(Receipt.from_document(each)) for each in received],
        )


class ReturnFields(ReturnRowOut):
    """What merchant and customer both see of a return.

    ``rma_number`` and the link to the label are there once it is approved; the link is good for 10 to 15 minutes, and
    a new one comes with each answer. ``deadline`` is when a request that nobody decided is rejected, and goods that
    have not come back are taken as missing. ``ended_because`` says why it was rejected or cancelled, or closed
    without its refund.
    """

    currency: str
    refund_method: Method
    items: list[ReturnItemOut]
    rma_number: str | None
    rma_label_url: str | None
    rma_label_expires_at: Instant | None
    deadline: Instant | None
    ended_because: str | None
    refunds: list[RefundOut]
    updated_at: Instant

    @classmethod
    def shared(cls, tenant: Tenant, found: Detailed) -> dict[str, Any]:
        ret = found.ret
        return {
            **dict(ReturnRowOut.of(ret)),
            "currency": ret.refund.currency,
            "refund_method": ret.method,
            "items": [ReturnItemOut.of(item, found.order) for item in ret.items],
            "rma_number": ret.rma_number if ret.is_approved else None,
            "rma_label_url": labels.link(tenant, ret),
            "rma_label_expires_at": labels.link_expires_at(ret),
            "deadline": ret.deadline,
            "ended_because": ret.ended_because,
            "refunds": [RefundOut.of(refund) for refund in found.refunds],
            "updated_at": ret.updated_at,
        }


class ReturnOut(ReturnFields):
    """A return as the merchant sees it, with all that happened to it, oldest first."""

    customer_id: str
    receipts: list[ReceiptOut]
    history: list[StepOut]
    version: int

    @classmethod
    def detailed(cls, tenant: Tenant, found: Detailed) -> "ReturnOut":
        return cls(
            **cls.shared(tenant, found),
            customer_id=found.ret.customer_id,
            receipts=[ReceiptOut.of(receipt) for receipt in found.ret.receipts],
            history=[StepOut.of(step) for step in found.history],
            version=found.ret.version,
        )


class MyReceiptOut(Output):
    """Of an item, the units that came back, and those that the shop found missing."""

    order_item_id: str
    received: int
    missing: int


class MyStepOut(Output):
    at: Instant
    event: Annotated[str, Field(examples=["received"])]
    status: ReturnStatus

    @classmethod
    def of(cls, step: Step) -> "MyStepOut":
        return cls(at=step.at, event=step.what, status=step.status)


class MyReturnOut(ReturnFields):
    """A customer's own return: who at the shop did what, and their notes, are not in it."""

    receipts: list[MyReceiptOut]
    history: list[MyStepOut]

    @classmethod
    def detailed(cls, tenant: Tenant, found: Detailed) -> "MyReturnOut":
        back, missing = found.ret.came_back, found.ret.missing
        return cls(
            **cls.shared(tenant, found),
            receipts=[
                MyReceiptOut(order_item_id=line_id, received=back.get(line_id, 0), missing=missing.get(line_id, 0))
                for line_id in sorted(back | missing)
            ],
            history=[MyStepOut.of(step) for step in found.history],
        )


class QuotedLineOut(Output):
    """What units of a line get back: their price, less their part of the discount, plus their part of the tax."""

    order_item_id: str
    quantity: int
    price: Major
    discount: Major
    tax: Major
    amount: Major


class QuotedPartOut(Output):
    """What goes back to one of the order's payments; ``id`` is None for new stored value."""

    type: SourceKind
    id: str | None
    amount: Major


class QuoteOut(Output):
    """What goes back for a return, and why that much: ``steps`` add up to ``total_refund``, and so do ``parts``.

    For what came back; before anything has, for all that is to come. Once the return is refunded, it is what was given.
    """

    return_id: str
    order_id: str
    status: ReturnStatus
    currency: str
    total_refund: Major
    lines: list[QuotedLineOut]
    steps: list[RefundStepOut]
    parts: list[QuotedPartOut]

    @classmethod
    def of(cls, quote: Quote) -> "QuoteOut":
        plan = quote.plan
        return cls(
            return_id=quote.ret.return_id,
            order_id=quote.ret.order_id,
            status=quote.ret.status,
            currency=plan.amount.currency,
            total_refund=plan.amount.major,
            lines=[
                QuotedLineOut(
                    order_item_id=line.line_id,
                    quantity=line.units,
                    price=line.price.major,
                    discount=line.discount.major,
                    tax=line.tax.major,
                    amount=line.amount.major,
                )
                for line in plan.lines
            ],
            steps=[RefundStepOut.of(step) for step in plan.steps],
            parts=[QuotedPartOut(type=part.kind, id=part.source_id, amount=part.amount.major) for part in plan.parts],
        )
