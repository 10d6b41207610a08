"""Giving store credit, and taking it away (contract SC-01, SC-07, SC-08)."""

from dataclasses import dataclass
from datetime import date, timedelta

from commerce.customers import store as customers
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant, system
from commerce.kernel.errors import Invalid, NotFound
from commerce.kernel.money import Money
from commerce.kernel.periods import day_of, end_of
from commerce.ledger import store as ledger
from commerce.ledger.model import UNCLAIMED, EntryType
from commerce.store_credit import entries, store
from commerce.store_credit.model import Lot
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class IssueCredit:
    """``reason`` is ``refund`` for credit in place of money; ``reference`` names what it is about.

    ``order_id`` is the order that it refunds.
    """

    customer_id: str
    amount: Money
    reason: str
    reference: str | None = None
    expires_on: date | None = None
    order_id: str | None = None


def issue(tx: Transaction, caller: Caller, command: IssueCredit) -> Lot:
    """Give a customer credit: a lot with its own last day (contract SC-01).

    Raises:
        Invalid: no such customer, no amount, or a date that has passed.
    """
    tenant, now = caller.tenant, clock.now()
    if command.amount.minor <= 0:
        raise Invalid("Store credit is worth something", field="amount", reason="amount_out_of_range")
    if customers.find(tenant, command.customer_id) is None:
        raise Invalid("No such customer", field="customer_id", reason="unknown_customer")
    if command.expires_on is not None and command.expires_on < day_of(now, tenant.timezone):
        raise Invalid("The date has passed", field="expiration_date", reason="date_passed")
    zero = Money.zero(command.amount.currency)
    lot = Lot(
        credit_id=ids.new("credit"),
        customer_id=command.customer_id,
        issued=command.amount,
        used=zero,
        expired=zero,
        voided=zero,
        reason=command.reason,
        reference=command.reference,
        issued_at=now,
        updated_at=now,
        expires_on=command.expires_on,
        expires_at=end_of(command.expires_on, tenant.timezone) if command.expires_on else None,
        entries=1,
    )
    store.add(tx, tenant, lot)
    ledger.post(tx, tenant, entries.issue(lot, caller.actor, command.order_id))
    return lot


def void(tx: Transaction, caller: Caller, credit_id: str, reason: str) -> Lot:
    """Take back what is left of a lot, by an entry of its own (contract SC-07).

    Raises:
        NotFound: no such lot.
        Conflict: nothing of it remains.
    """
    lot = store.find(caller.tenant, credit_id)
    if lot is None:
        raise NotFound("store credit")
    voided = lot.void().changed(clock.now())
    store.save(tx, caller.tenant, voided)
    ledger.post(tx, caller.tenant, entries.void(voided, lot.remaining, caller.actor, reason))
    return voided


def give_back(
    tx: Transaction, caller: Caller, lot: Lot, amount: Money, order_id: str, *, kind: EntryType, source: str
) -> None:
    """Put what a lot paid for an order back: two writes, and one more where the lot had expired unnoticed.

    Args:
        kind: reversal (with its order) or refund. ``source``: the ledger account it comes out of.
    """
    tenant, now = caller.tenant, clock.now()
    after = lot.changed(now)
    if after.has_expired(now) and after.remaining.minor:
        after = _lapse(tx, tenant, after)  # the time of grace is for what comes back alone
    after = after.give_back(amount, now, timedelta(days=tenant.returns.grace_days))
    store.save(tx, tenant, after)
    ledger.post(tx, tenant, entries.give_back(after, amount, order_id, kind, source, caller.actor))


def expire(tx: Transaction, tenant: Tenant, credit_id: str) -> None:
    """Let a lot lapse once its last day is over (contract SC-08); nothing when that was done already."""
    lot, now = store.find(tenant, credit_id), clock.now()
    if lot is None or lot.expires_at is None or not lot.has_expired(now) or not lot.remaining.minor:
        return
    store.save(tx, tenant, _lapse(tx, tenant, lot.changed(now)))


def _lapse(tx: Transaction, tenant: Tenant, lot: Lot) -> Lot:
    """The lot with nothing left of it, which is booked; the caller saves it."""
    assert lot.expires_at is not None
    account, actor, lapsed = UNCLAIMED[tenant.checkout.unclaimed_value], system(tenant, "expiry").actor, lot.expire()
    ledger.post(tx, tenant, entries.expire(lapsed, lot.remaining, account, actor, lot.expires_at))
    return lapsed
