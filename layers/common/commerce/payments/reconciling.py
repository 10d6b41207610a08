"""The daily check of our payments, refunds and disputes against Stripe's own lists (contract PY-10, 4.6).

What a webhook that never came would have done is done now; what cannot be mended so is told, and rings an alarm.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from commerce.access.queries import all_tenants, find_tenant
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, Tenant, system
from commerce.kernel.errors import CommerceError, StaleWrite
from commerce.kernel.periods import Period
from commerce.observability import count_event, logger
from commerce.orders import queries as order_queries
from commerce.orders import store as order_rows
from commerce.orders.model import Order
from commerce.payments import check_store, store, stripe_gateway
from commerce.payments.checks import (
    Check,
    Difference,
    DifferenceKind,
    Part,
    PartKind,
    day_of_check,
    difference_of,
    missing_kind,
    parts_of,
)
from commerce.payments.model import Intent, Payment, ProviderRefund
from commerce.payments.use_cases import reconcile
from commerce.refunds import store as refunds
from commerce.table.transaction import Transaction, run

type Found = Iterator[Difference | None]
"""One for each thing that was compared: None where nothing differs."""


def go_on(mode: Mode, may_go_on: Callable[[], bool]) -> Check:
    """Do what is left of the check that is due, a part at a time, as long as ``may_go_on``.

    A part that dies is done again, which changes nothing that it did already. Two runs at once share the parts.
    """
    day = day_of_check(clock.now())
    check = check_store.find(mode, day) or Check(mode, day)
    parts = parts_of(day)
    while check.finished_at is None and may_go_on():
        found = list(_compared(mode, parts[check.done]))
        differences = [each for each in found if each is not None]
        check = check.plus(len(found), differences, clock.now())
        try:
            run(lambda tx, done=check: check_store.save(tx, done))  # type: ignore[misc]
        except StaleWrite:
            check = check_store.find(mode, day) or Check(mode, day)
            continue
        for each in differences:
            _tell(each)
    return check


def _tell(difference: Difference) -> None:
    if difference.kind is DifferenceKind.NOT_OURS:
        return
    if difference.rings:
        count_event("PaymentDifferences")
    logger.warning(
        "payment differs",
        kind=difference.kind,
        tenant=difference.tenant_id,
        order_id=difference.order_id,
        payment_id=difference.payment_id,
        subject_id=difference.subject_id,
        ours=difference.ours,
        theirs=difference.theirs,
        repaired=difference.repaired,
    )


def _compared(mode: Mode, part: Part) -> Found:
    work = {PartKind.PAYMENTS: _payments, PartKind.REFUNDS: _refunds, PartKind.DISPUTES: _disputes}
    return work[part.kind](mode, part.period)


# Payments


def _payments(mode: Mode, period: Period) -> Found:
    ours = {
        payment_id: (tenant, payment)
        for tenant in all_tenants()
        if tenant.mode is mode
        for payment_id, payment in check_store.payments_of(tenant, period).items()
    }
    for intent in stripe_gateway.intents_of(mode, period):
        known = ours.pop(intent.intent_id, None)
        yield _unknown(mode, intent) if known is None else _payment(*known, intent)
    for tenant, payment in ours.values():
        told = stripe_gateway.find_intent(mode, payment.payment_id)
        yield _missing_there(tenant, payment) if told is None else _payment(tenant, payment, told)


def _unknown(mode: Mode, intent: Intent) -> Difference | None:
    """What Stripe has and the lists of our shops do not: of another shop, or system; or the list lags behind."""
    tenant = find_tenant(intent.tenant_id, mode) if intent.tenant_id else None
    payment = store.find_by_id(tenant, intent.intent_id) if tenant is not None else None
    if tenant is not None and payment is not None:
        return _payment(tenant, payment, intent)
    kind = missing_kind(intent)
    if kind is None:
        return None
    return Difference(kind, intent.intent_id, "", _stands(intent), intent.tenant_id, intent.order_id)


def _missing_there(tenant: Tenant, payment: Payment) -> Difference:
    return Difference(
        DifferenceKind.MISSING_THERE,
        payment.payment_id,
        _stands(payment),
        "",
        tenant.tenant_id,
        payment.order_id,
    )


def _payment(tenant: Tenant, payment: Payment, intent: Intent) -> Difference | None:
    """How a payment differs, and whether it still does once its order has followed Stripe."""
    kind = difference_of(payment, intent)
    if kind is None:
        return None

    def mend() -> bool:
        told = _follow(tenant, payment.order_id, intent.intent_id)
        now = store.find_by_id(tenant, payment.payment_id)
        return now is not None and difference_of(now, told) is None

    ours, theirs = _stands(payment), _stands(intent)
    return _mended(Difference(kind, payment.payment_id, ours, theirs, tenant.tenant_id, payment.order_id), mend)


def _stands(payment: Payment | Intent) -> str:
    return f"{payment.status}, {payment.received.minor} of {payment.amount.minor} {payment.amount.currency}"


# Refunds and disputes


def _refunds(mode: Mode, period: Period) -> Found:
    for intent, refund in stripe_gateway.refunds_of(mode, period):
        tenant, order = _order_of(mode, intent)
        yield (
            _without_order(DifferenceKind.REFUND, intent, refund.provider_id, refund.status)
            if tenant is None or order is None
            else _refund(tenant, order, intent, refund)
        )


def _refund(tenant: Tenant, order: Order, intent: Intent, refund: ProviderRefund) -> Difference | None:
    def stands() -> str:
        own = [each for each in refunds.of_order(tenant, order.order_id) if each.provider_id == refund.provider_id]
        return f"{own[0].status}, {own[0].external.minor} {own[0].currency}" if own else ""

    def mend() -> bool:
        told = _follow(tenant, order.order_id, intent.intent_id).refunds
        return stands() in [_refund_stands(each) for each in told if each.provider_id == refund.provider_id]

    ours, theirs = stands(), _refund_stands(refund)
    if ours == theirs:
        return None
    return _mended(_difference(DifferenceKind.REFUND, tenant, order, intent, refund.provider_id, ours, theirs), mend)


def _refund_stands(refund: ProviderRefund) -> str:
    return f"{refund.status}, {refund.amount.minor} {refund.amount.currency}"


def _disputes(mode: Mode, period: Period) -> Found:
    for intent, dispute in stripe_gateway.disputes_of(mode, period):
        tenant, order = _order_of(mode, intent)
        yield (
            _without_order(DifferenceKind.DISPUTE, intent, dispute.dispute_id, dispute.status)
            if tenant is None or order is None
            else _dispute(tenant, order, intent, dispute.dispute_id, dispute.status)
        )


def _dispute(tenant: Tenant, order: Order, intent: Intent, dispute_id: str, theirs: str) -> Difference | None:
    from commerce.disputes import store as dispute_rows  # for the few that there are
    from commerce.disputes import use_cases as disputes

    def stands() -> str:
        recorded = dispute_rows.find(tenant, dispute_id)
        return "" if recorded is None else recorded.dispute.status

    def mend() -> bool:
        by = _checker(tenant)
        run(lambda tx: disputes.apply(tx, by, order_queries.get(tenant, order.order_id), dispute_id), by.cause())
        return stands() == stripe_gateway.get_dispute(tenant.mode, dispute_id).status

    ours = stands()
    if ours == theirs:
        return None
    return _mended(_difference(DifferenceKind.DISPUTE, tenant, order, intent, dispute_id, ours, theirs), mend)


def _order_of(mode: Mode, intent: Intent) -> tuple[Tenant | None, Order | None]:
    tenant = find_tenant(intent.tenant_id, mode) if intent.tenant_id else None
    order = order_rows.find(tenant, intent.order_id) if tenant is not None and intent.order_id else None
    return tenant, order


def _without_order(kind: DifferenceKind, intent: Intent, subject_id: str, theirs: str) -> Difference:
    kind = DifferenceKind.NOT_OURS if intent.tenant_id is None else kind
    return Difference(kind, intent.intent_id, "", theirs, intent.tenant_id, intent.order_id, subject_id)


def _difference(
    kind: DifferenceKind, tenant: Tenant, order: Order, intent: Intent, subject_id: str, ours: str, theirs: str
) -> Difference:
    return Difference(kind, intent.intent_id, ours, theirs, tenant.tenant_id, order.order_id, subject_id)


# Mending


def _mended(found: Difference, mend: Callable[[], bool]) -> Difference:
    """The difference, repaired where ``mend`` says that both sides agree now; one must not keep all others from it."""
    try:
        return replace(found, repaired=mend())
    except CommerceError as error:
        logger.warning("payment not repaired", payment_id=found.payment_id, reason=error.reason)
    except Exception:  # noqa: BLE001
        logger.exception("payment not repaired", payment_id=found.payment_id)
    return found


def _follow(tenant: Tenant, order_id: str, intent_id: str) -> Intent:
    """Bring the order to what Stripe says of its payment now, which is given; an intent that the order has replaced
    changes nothing."""
    by = _checker(tenant)

    def plan(tx: Transaction) -> Intent:
        order = order_queries.get(tenant, order_id)
        intent = stripe_gateway.get_intent(tenant.mode, intent_id, with_refunds=True)
        if order.payment_intent_id == intent_id:
            reconcile(tx, by, order, intent)
        return intent

    return run(plan, by.cause())


def _checker(tenant: Tenant) -> Caller:
    return system(tenant, "payment_check")
