"""What happens to a return (contract RT-02…RT-05, RT-07). Each move is one transaction with the order that it is of.

A move that changes which units of the order are claimed changes the order, too, and stands in its timeline.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from commerce.events import store as events
from commerce.events.model import DomainEvent, TimelineType
from commerce.inventory import store as inventory
from commerce.inventory.model import Movement, StockKey
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Role, Tenant
from commerce.kernel.errors import Conflict, IllegalMove, Invalid, NotFound, require_version
from commerce.kernel.money import Money
from commerce.orders import store as orders
from commerce.orders.changing import OrderChange
from commerce.orders.model import Order
from commerce.refunds import store as refunds
from commerce.refunds.model import Method, RefundPlan, RefundRequest
from commerce.refunds.records import Door, Refund, RefundStatus
from commerce.returns import labels, store, workflow_store
from commerce.returns.model import (
    OTHERWISE,
    UNDECIDED,
    Disposition,
    Receipt,
    Return,
    ReturnItem,
    ReturnStatus,
    Step,
    rma_number,
)
from commerce.returns.representation import as_object
from commerce.returns.settlement import is_settled
from commerce.table.transaction import Transaction

RETURNED = "return"  # why stock moves


@dataclass(frozen=True, slots=True)
class RequestReturn:
    order_id: str
    items: tuple[ReturnItem, ...]
    method: Method = Method.ORIGINAL_PAYMENT


@dataclass(frozen=True, slots=True)
class EndReturn:
    """``reason`` is told to the customer, ``note`` is for the merchant's staff."""

    return_id: str
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiveItems:
    """Units as they were found. Those that go back on sale do so where the receipt says, else where they came from."""

    return_id: str
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class RefundReturn:
    """``amount`` lowers what is refunded, and ``reason`` says why; ``method`` is another one than was asked for."""

    return_id: str
    amount: Money | None = None
    reason: str | None = None
    method: Method | None = None


def create(tx: Transaction, caller: Caller, command: RequestReturn) -> Return:
    """Ask for units of an order to be taken back (contract RT-02).

    They are claimed, so that no other return takes them. A customer's request that is worth little enough, as the shop
    decided, is approved at once.

    Raises:
        NotFound: a customer's order that is not there, or not theirs.
        Invalid: no such order or line.
        Conflict: the order is not shipped; not that many units are left to return; the time for returns is over.
    """
    tenant, now = caller.tenant, clock.now()
    by_customer = caller.role is Role.CUSTOMER
    order = orders.find(tenant, command.order_id)
    if by_customer and (order is None or order.buyer.customer_id != caller.own_customer_id):
        raise NotFound("order")
    if order is None:
        raise Invalid("No such order", field="order_id", reason="unknown_order")
    if order.shipped_at is None:
        raise Conflict("What is not shipped is cancelled, not returned", field="order_id", reason="not_shipped")
    if by_customer:
        _require_window(tenant, order.delivered_at or order.shipped_at, now)
    wanted = Return(
        return_id=ids.new("ret"),
        order_id=order.order_id,
        customer_id=order.buyer.customer_id,
        rma_number=rma_number(),
        items=command.items,
        method=command.method,
        status=ReturnStatus.PENDING,
        requested_at=now,
        updated_at=now,
        deadline=now + timedelta(days=tenant.returns.decision_days),
        refund=Money.zero(order.currency),
        version=0,
    )
    change = _Change(tx, caller, order, before=None, after=wanted, at=now)
    change.step(wanted, "return.created")
    if by_customer and _approves_itself(tenant, change.after):
        _approve(change)
    return change.save()


def approve(tx: Transaction, caller: Caller, return_id: str, expected_version: int | None = None) -> Return:
    """Let the goods be sent back, with a label (contract RT-03).

    Raises:
        NotFound: no such return.
        VersionMismatch: it is not at ``expected_version``.
        IllegalMove: it is not pending.
        Unavailable: the label cannot be stored.
    """
    change = _begin(tx, caller, return_id, expected_version)
    _approve(change)
    return change.save()


def reject(tx: Transaction, caller: Caller, command: EndReturn, expected_version: int | None = None) -> Return:
    """Refuse a request; its units can be asked for anew (contract RT-07).

    Raises:
        NotFound, VersionMismatch: as ``approve`` does.
        IllegalMove: it is not pending.
    """
    return _end(tx, caller, command, ReturnStatus.REJECTED, "return.rejected", expected_version)


def cancel(tx: Transaction, caller: Caller, command: EndReturn, expected_version: int | None = None) -> Return:
    """Call a return off of which nothing has come back; its units can be asked for anew (contract RT-07).

    Raises:
        NotFound, VersionMismatch: as ``approve`` does.
        IllegalMove: it is neither pending nor approved.
    """
    return _end(tx, caller, command, ReturnStatus.CANCELLED, "return.cancelled", expected_version)


def receive(tx: Transaction, caller: Caller, command: ReceiveItems, expected_version: int | None = None) -> Return:
    """Account for units that came back, or did not (contract RT-04); only here do units go back on sale.

    Raises:
        NotFound, VersionMismatch: as ``approve`` does.
        IllegalMove: it does not wait for units.
        Invalid: a line that is not returned, or no such warehouse.
        Conflict: more units than are expected.
    """
    change = _begin(tx, caller, command.return_id, expected_version)
    found = tuple(_placed(caller.tenant, change.order, receipt, at) for at, receipt in enumerate(command.receipts))
    _receive(change, change.after.receive(found))
    _restock(change, found)
    return change.save()


def refund(tx: Transaction, caller: Caller, command: RefundReturn, expected_version: int | None = None) -> Return:
    """Refund what came back (contract RT-05); what did not come back yet is waited for no longer.

    Where nothing is left to give for it, the return ends without a refund. A refund that failed is given anew: all that
    failed of it, and nothing else; where the money went back by another way meanwhile, the return is closed.

    Raises:
        NotFound, VersionMismatch: as ``approve`` does.
        IllegalMove: it is not received, or is refunded and that has not failed.
        Conflict: nothing has come back.
        Invalid: more than the units are worth, or less without a reason.
    """
    change = _begin(tx, caller, command.return_id, expected_version)
    ret = replace(change.after, method=command.method or change.after.method)
    if ret.refund_id is not None:
        return _refund_again(change, ret, command)
    if ret.status is ReturnStatus.APPROVED:
        raise Conflict("Nothing has come back yet", field="status", reason="nothing_received")
    if ret.status is ReturnStatus.PARTIALLY_RECEIVED:
        _receive(change, ret.close_receipt())
        ret = change.after
    refunded = ret.move_to(ReturnStatus.REFUNDED)
    planned = quoted(caller.tenant, change.order, refunded)
    refunded = replace(refunded, refund=_lowered(command, planned.amount))
    if refunded.refund.minor:
        request = RefundRequest(refunded.came_back, refunded.refund, refunded.method)
        refunded = replace(refunded, refund_id=change.give(request, command.reason).refund_id)
    else:
        change.count_refunded(refunded)
    change.step(refunded, "return.refunded", refund_id=refunded.refund_id, reason=command.reason)
    return change.save()


def close(tx: Transaction, caller: Caller, return_id: str) -> Return:
    """End a refunded return once its refund has succeeded; before that, and afterwards, it stays as it is.

    Raises:
        NotFound: no such return.
        IllegalMove: it is neither refunded nor closed.
    """
    change = _begin(tx, caller, return_id)
    ret = change.after
    if ret.status is ReturnStatus.CLOSED:
        return ret
    closed = ret.move_to(ReturnStatus.CLOSED)
    if not is_settled(caller.tenant, ret):
        return ret
    change.step(closed, "return.closed")
    return change.save()


def overdue(tx: Transaction, caller: Caller, return_id: str) -> Return:
    """Go on with a return whose deadline is over: a request is rejected, what has not arrived is missing.

    Before its deadline a return stays as it is.

    Raises:
        NotFound: no such return.
    """
    change = _begin(tx, caller, return_id)
    ret = change.after
    if ret.deadline is None or change.at < ret.deadline:
        return ret
    if ret.status is ReturnStatus.PENDING:
        change.step(ret.move_to(ReturnStatus.REJECTED, because=UNDECIDED), "return.rejected")
    else:
        _receive(change, ret.close_receipt())
    return change.save()


def quoted(tenant: Tenant, order: Order, ret: Return) -> RefundPlan:
    """What would go back for a return now: for the units that came back, before that for those that are to come."""
    from commerce.refunds import use_cases as giving  # and with it all of stored value

    nothing = RefundPlan(Money.zero(order.currency), (), ())
    if not ret.refundable:
        return nothing
    try:
        return giving.quote(tenant, order, RefundRequest(units=ret.refundable, method=ret.method))
    except Conflict as refusal:
        if refusal.reason != "nothing_to_refund":
            raise
        return nothing


@dataclass(slots=True)
class _Change:
    """Moves of a return in the making. ``stored`` is its order as it is, ``before`` the return as it is, if it is."""

    tx: Transaction
    caller: Caller
    stored: Order
    before: Return | None
    after: Return
    at: datetime = field(default_factory=clock.now)
    _order_is_saved: bool = False
    _told: list[tuple[Step, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def order(self) -> Order:
        """The order as it will be, with what the return claims of its lines."""
        claims = Counter(self.after.claimed)
        claims.subtract(self.before.claimed if self.before is not None else {})
        units = {line_id: more for line_id, more in claims.items() if more}
        return self.stored.claim(units) if units else self.stored

    def step(self, moved: Return, event_type: str, **data: Any) -> None:
        """Add a move to the history, and tell the world."""
        self.after = moved
        if moved.status not in (ReturnStatus.REFUNDED, ReturnStatus.CLOSED):
            moved = replace(moved, refund=quoted(self.caller.tenant, self.order, moved).amount)
        self.after = moved.changed(self.at, sequence=moved.sequence + 1)
        said = {name: value for name, value in data.items() if value is not None}
        what = event_type.removeprefix("return.")
        step = Step(self.after.version, self.at, self.caller.actor, what, self.after.status, said)
        self._told.append((step, event_type, as_object(self.after)))

    def give(self, request: RefundRequest, reason: str | None) -> Refund:
        """Refund, and save the order with it."""
        from commerce.refunds import use_cases as giving

        self._order_is_saved = True
        return_id = self.after.return_id
        _, given = giving.give(
            self.tx, self.caller, self.stored, self.order, request, door=Door.RETURN, reason=reason, return_id=return_id
        )
        return given

    def count_refunded(self, refunded: Return) -> None:
        """Save the order where its units count as refunded without any money."""
        after = self.order.count_refunded(refunded.came_back)
        self._save_order(after, ReturnStatus.REFUNDED)

    def save(self) -> Return:
        """Write the return, and its order where that changes."""
        if self.order is not self.stored and not self._order_is_saved:
            self._save_order(self.order, self.after.status)
        if self.before is None:
            store.add(self.tx, self.caller.tenant, self.after)
            workflow_store.add(self.tx, self.caller.tenant, self.after.return_id, self.at)
        else:
            store.save(self.tx, self.caller.tenant, self.after, since=self.before.version)
        self._tell()  # after the return itself: of two moves at once, the later one is planned anew
        return self.after

    def _tell(self) -> None:
        first = self.after.sequence - len(self._told) + 1
        for sequence, (step, event_type, shown) in enumerate(self._told, start=first):
            store.record(self.tx, self.caller.tenant, self.after.return_id, step)
            events.announce(
                self.tx,
                DomainEvent(
                    event_id=ids.new("evt"),
                    type=event_type,
                    aggregate_id=self.after.return_id,
                    sequence=sequence,
                    at=self.at,
                    tenant=self.caller.tenant,
                    data=shown,
                ),
            )

    def _save_order(self, order: Order, status: ReturnStatus) -> None:
        self._order_is_saved = True
        change = OrderChange(self.tx, self.caller, self.stored, order, self.at)
        change.tell(status, TimelineType.RETURN, data={"return_id": self.after.return_id})
        if order.fulfillment_status is not self.stored.fulfillment_status:
            change.tell(order.fulfillment_status, TimelineType.SHIPMENT)
            change.announce("order.updated")
        change.save()


def _begin(tx: Transaction, caller: Caller, return_id: str, expected_version: int | None = None) -> _Change:
    ret = store.find(caller.tenant, return_id)
    if ret is None:
        raise NotFound("return")
    require_version(ret.version, expected_version, "return")
    order = orders.find(caller.tenant, ret.order_id)
    assert order is not None
    return _Change(tx, caller, order, before=ret, after=ret)


def _require_window(tenant: Tenant, since: datetime, now: datetime) -> None:
    days = tenant.returns.window_days
    if since + timedelta(days=days) < now:
        raise Conflict(f"Orders can be returned for {days} days", field="order_id", reason="return_window_closed")


def _approves_itself(tenant: Tenant, ret: Return) -> bool:
    most = tenant.returns.approves_up_to
    return most is not None and ret.refund.major <= most


def _approve(change: _Change) -> None:
    approved = change.after.move_to(
        ReturnStatus.APPROVED, deadline=change.at + timedelta(days=change.caller.tenant.returns.receipt_days)
    )
    change.tx.outside("s3.put_object")
    labels.issue(change.caller.tenant, change.stored, approved)
    change.step(approved, "return.approved")


def _end(
    tx: Transaction,
    caller: Caller,
    command: EndReturn,
    target: ReturnStatus,
    event_type: str,
    expected_version: int | None,
) -> Return:
    change = _begin(tx, caller, command.return_id, expected_version)
    change.step(change.after.move_to(target, because=command.reason), event_type, note=command.note)
    return change.save()


def _placed(tenant: Tenant, order: Order, receipt: Receipt, index: int) -> Receipt:
    """The same receipt with the warehouse that its units go back on sale in: where the line's first ones came from."""
    if receipt.warehouse_id is not None and receipt.warehouse_id not in tenant.warehouses:
        raise Invalid("No such warehouse", field=f"items.{index}.location", reason="unknown_warehouse")
    line = next((each for each in order.lines if each.line_id == receipt.line_id), None)
    if line is None or receipt.disposition is not Disposition.RESTOCK or receipt.warehouse_id is not None:
        return receipt
    return replace(receipt, warehouse_id=next(part.warehouse_id for part in line.allocations if part.shipped))


def _receive(change: _Change, received: Return) -> None:
    items = [each.document for each in received.receipts[len(change.after.receipts) :]]
    event = "return.cancelled" if received.status is ReturnStatus.CANCELLED else "return.received"
    change.step(received, event, items=items)


def _restock(change: _Change, receipts: Iterable[Receipt]) -> None:
    """Put units back on sale, in one movement for each variant and warehouse."""
    lines = {line.line_id: line for line in change.stored.lines}
    units: Counter[StockKey] = Counter()
    names = {}
    for receipt in receipts:
        if receipt.disposition is Disposition.RESTOCK and receipt.warehouse_id is not None:
            line = lines[receipt.line_id]
            key = StockKey(line.product_id, line.variant_id, receipt.warehouse_id)
            units[key] += receipt.quantity
            names[key] = line.name
    caller, note = change.caller, change.after.return_id
    for key, quantity in units.items():
        movement = Movement(ids.new("mov"), key, quantity, RETURNED, note, change.at, caller.actor)
        inventory.move(change.tx, caller.tenant, movement, names[key])


def _lowered(command: RefundReturn, most: Money) -> Money:
    """What is refunded of ``most``."""
    if command.amount is None:
        return most
    amount = command.amount
    if amount.currency != most.currency:
        raise Invalid(f"The order is in {most.currency}", field="amount", reason="foreign_currency")
    if most < amount:
        raise Invalid(
            f"{most.major} {most.currency} can be refunded", field="amount", reason="refund_exceeds_remaining"
        )
    if amount < most and command.reason is None:
        raise Invalid("Say why less is refunded", field="reason", reason="reason_required")
    return amount


def _refund_again(change: _Change, ret: Return, command: RefundReturn) -> Return:
    failed = _refund_of(change.caller.tenant, ret, ret.refund_id or "")
    if failed.status is not RefundStatus.FAILED:
        raise IllegalMove(f"The refund of this return is {failed.status}")
    if command.amount is not None:
        raise Invalid("What failed is refunded whole", field="amount", reason="refunded_whole")
    try:
        given = change.give(RefundRequest({}, failed.external, ret.method, failed.payment_id), command.reason)
    except Conflict as refusal:
        if refusal.reason != "nothing_to_refund" or ret.status is ReturnStatus.CLOSED:
            raise
        change.step(ret.move_to(ReturnStatus.CLOSED, because=OTHERWISE), "return.closed")
        return change.save()
    again = replace(ret, refund_id=given.refund_id)
    change.step(again, "return.refunded", refund_id=given.refund_id, reason=command.reason)
    return change.save()


def _refund_of(tenant: Tenant, ret: Return, refund_id: str) -> Refund:
    found = refunds.find(tenant, ret.order_id, refund_id)
    assert found is not None
    return found
