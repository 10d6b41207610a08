"""What those who wait are promised, and told when it does not come true (contract PO-04)."""

from dataclasses import dataclass, replace
from datetime import date

from commerce.backorders import store
from commerce.backorders.allocating import get, require_waiting
from commerce.backorders.model import Standing
from commerce.backorders.queueing import late_from
from commerce.backorders.representation import as_object
from commerce.events.model import TimelineType
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Tenant, system
from commerce.kernel.errors import Invalid, require_version
from commerce.kernel.periods import day_of
from commerce.mails.notices import NoticeKind, notify
from commerce.orders.changing import OrderChange
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ChangeBackorder:
    """None stays as it is."""

    backorder_id: str
    expected_on: date | None = None
    priority: int | None = None


def change(tx: Transaction, caller: Caller, command: ChangeBackorder, expected_version: int | None) -> Standing:
    """Promise another day, of which the customer is told, or another place in the queue (contract PO-04).

    Raises:
        NotFound: no such backorder.
        VersionMismatch: it is not at ``expected_version``.
        Conflict: it does not wait any more.
        Invalid: a day that is over.
    """
    standing = get(caller.tenant, command.backorder_id)
    before = standing.backorder
    require_version(before.version, expected_version, "backorder")
    require_waiting(standing)
    day = command.expected_on or standing.line.expected_on
    priority = before.priority if command.priority is None else command.priority
    moves = day != standing.line.expected_on
    if not moves and priority == before.priority:
        return standing
    if moves and day is not None and day < day_of(clock.now(), caller.tenant.timezone):
        raise Invalid("This day is over", field="expected_date", reason="date_in_the_past")
    after = replace(before, priority=priority, version=before.version + 1)
    changed = standing.order if day is None else standing.order.expect(before.line_id, day)
    of_order = OrderChange(tx, caller, standing.order, changed)
    is_told_of = moves or store.is_due(caller.tenant, before)  # once for each day
    store.save(tx, caller.tenant, before, after, late_from(caller.tenant, day) if is_told_of else None)
    result = Standing(after, changed)
    told = as_object(result)
    of_order.tell(
        "rescheduled" if moves else "prioritised",
        TimelineType.ALLOCATION,
        data={name: told[name] for name in ("id", "expected_date", "priority")},
    )
    if moves:
        version = f"{before.backorder_id}.{after.version}"
        notify(of_order, NoticeKind.BACKORDER_RESCHEDULED, version, backorder_id=before.backorder_id)
    of_order.save()
    return result


def tell_late(tx: Transaction, tenant: Tenant, backorder_id: str) -> bool:
    """Tell the customer, once, that the promised day is over and units still wait; give whether that was so.

    Nothing is cancelled: the mail says that the order can be.

    Raises:
        NotFound: no such backorder.
        Conflict: the customer was told already.
    """
    standing, caller = get(tenant, backorder_id), system(tenant, "backorders")
    due = late_from(tenant, standing.line.expected_on)
    if not standing.remaining or due is None or clock.now() < due:
        return False  # the index had not heard of it yet
    of_order = OrderChange(tx, caller, standing.order, standing.order)
    store.told(tx, tenant, standing.backorder)
    of_order.tell("late", TimelineType.ALLOCATION, data={"id": backorder_id})
    day = f"{backorder_id}.{standing.line.expected_on}"
    notify(of_order, NoticeKind.BACKORDER_LATE, day, backorder_id=backorder_id)
    of_order.save()
    return True
