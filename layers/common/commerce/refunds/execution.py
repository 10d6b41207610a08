"""Asking the payment provider for what goes back through it (contract 6.4.6).

Whatever dies, and however often this runs, the provider gives a refund back once: its id is the idempotency key, and
stands in what the provider keeps of it. What it says is applied as its events are.
"""

from commerce.access.queries import find_tenant
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, system
from commerce.kernel.errors import Conflict, Invalid, NotFound
from commerce.orders import queries as orders
from commerce.orders.changing import OrderChange
from commerce.payments import stripe_gateway
from commerce.payments.model import Intent
from commerce.payments.use_cases import reconcile
from commerce.refunds import settling, store
from commerce.refunds.records import Refund, RefundStatus
from commerce.table.transaction import Transaction, run


def execute(tenant_id: str, mode: Mode, order_id: str, refund_id: str) -> RefundStatus:
    """Ask for a refund that is pending, and give what became of it so far.

    Raises:
        NotFound: no such refund.
        Unavailable: the provider cannot tell now; the next try goes on.
    """
    tenant = find_tenant(tenant_id, mode)
    if tenant is None:
        raise NotFound("tenant")
    caller = system(tenant, "refunds")
    refund = _get(caller, order_id, refund_id)
    if refund.status is not RefundStatus.PENDING:
        return refund.status
    failure = _ask(caller, refund) if refund.provider_id is None else None
    run(lambda tx: _follow(tx, caller, refund, failure), caller.cause())
    return _get(caller, order_id, refund_id).status


def _follow(tx: Transaction, caller: Caller, asked: Refund, failure: str | None) -> None:
    """Bring the order to what the provider says now; a refund that it refused, and does not have, has failed.

    The provider is asked last: refunds move back, too, and what is older than the order could undo what it is.
    """
    refund = _get(caller, asked.order_id, asked.refund_id)
    order = orders.get(caller.tenant, asked.order_id)
    intent = _intent_of(caller, asked)
    if failure is None or _stands(intent, refund) or refund.status is not RefundStatus.PENDING:
        reconcile(tx, caller, order, intent)
        return
    change = OrderChange(tx, caller, order, order)
    settling.give_up(change, refund, failure)
    change.save()


def _ask(caller: Caller, refund: Refund) -> str | None:
    """Ask once; give the provider's word where it refuses."""
    try:
        stripe_gateway.create_refund(caller.tenant, refund)
    except stripe_gateway.ProviderFault:
        if not _stands(_intent_of(caller, refund), refund):
            # The provider answers its stored error to this attempt for ever: the next one gets a key of its own.
            run(lambda tx: _count_attempt(tx, caller, refund), caller.cause())
            raise
    except (stripe_gateway.Refused, Conflict, Invalid) as error:
        return error.reason or "refused"
    return None


def _intent_of(caller: Caller, refund: Refund) -> Intent:
    assert refund.payment_id is not None
    return stripe_gateway.get_intent(caller.tenant.mode, refund.payment_id, with_refunds=True)


def _stands(intent: Intent, refund: Refund) -> bool:
    return any(each.refund_id == refund.refund_id for each in intent.refunds)


def _count_attempt(tx: Transaction, caller: Caller, refund: Refund) -> None:
    store.save(tx, caller.tenant, refund.changed(clock.now(), attempts=refund.attempts + 1))


def _get(caller: Caller, order_id: str, refund_id: str) -> Refund:
    refund = store.find(caller.tenant, order_id, refund_id)
    if refund is None:
        raise NotFound("refund")
    return refund
