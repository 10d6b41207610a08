"""Following the provider's disputes, and answering them (contract PY-06, PY-07, 4.6, 6.2)."""

from collections.abc import Mapping
from dataclasses import replace

from commerce.disputes import queries, store
from commerce.disputes.model import (
    ANSWERABLE,
    ANSWERED,
    MAX_EVIDENCE,
    MAX_KEPT_BYTES,
    Dispute,
    ProviderDispute,
    Response,
    first_seen,
)
from commerce.disputes.queries import Detailed
from commerce.disputes.representation import as_object
from commerce.disputes.store import Recorded
from commerce.events.model import TimelineType
from commerce.kernel import clock, wire_json
from commerce.kernel.caller import Caller
from commerce.kernel.errors import Conflict, Invalid, Unavailable
from commerce.kernel.money import Money
from commerce.ledger import entries
from commerce.orders.changing import OrderChange
from commerce.orders.model import COLLECTED, Order
from commerce.payments import stripe_gateway
from commerce.table.transaction import Transaction, run


def apply(tx: Transaction, caller: Caller, order: Order, dispute_id: str) -> None:
    """Bring a dispute, and its order's money, to what Stripe says of it now; nothing when they are there already.

    The dispute is fetched after the order was read, and both are written under their versions: duplicates, any order of
    delivery and two consumers at once end alike.

    Raises:
        Unavailable: that the order was paid is not known yet; its own event comes first.
        IllegalMove: Stripe tells a move that the table does not list; somebody has to look.
    """
    if order.payment_status not in COLLECTED:
        raise Unavailable("The order's payment has not been heard of yet", retry_after=5)
    recorded = store.find(caller.tenant, dispute_id)
    _follow(OrderChange(tx, caller, order, order), recorded, stripe_gateway.get_dispute(caller.tenant.mode, dispute_id))


def respond(tx: Transaction, caller: Caller, response: Response) -> Detailed:
    """Answer a dispute with evidence; what the merchant leaves out comes from our own records (contract PY-07).

    What the provider holds already is not written over by the draft. The provider remembers which response it took, so
    that the same one sent again, because its answer was lost, is answered with the dispute as it is.

    Raises:
        NotFound: no such dispute.
        Conflict: it is decided (``dispute_closed``), other evidence was handed in (``already_responded``), or the date
            has passed (``evidence_overdue``).
        Invalid: more evidence than the provider takes, or a file that it does not know.
    """
    tenant = caller.tenant
    recorded = queries.get(tenant, response.dispute_id)
    order, draft = queries.drafted(tenant, recorded.dispute.order_id, notes=response.include_notes)
    known = stripe_gateway.get_dispute(tenant.mode, response.dispute_id)
    change = OrderChange(tx, caller, order, order)
    if response.is_in(known):
        return _detailed(_follow(change, recorded, known), known, draft)
    _require_answerable(known)
    evidence = _filled(response.evidence, known.evidence, draft)
    tx.outside("disputes.update")
    try:
        told = stripe_gateway.answer_dispute(
            tenant.mode,
            response.dispute_id,
            evidence,
            submit=response.submit,
            response_id=response.response_id,
            attempt=recorded.dispute.attempts + known.submissions,
        )
    except stripe_gateway.ProviderFault:
        told = stripe_gateway.get_dispute(tenant.mode, response.dispute_id)
        if not response.is_in(told):
            run(lambda own: _count_attempt(own, caller, response.dispute_id), tx.cause)
            raise
    return _detailed(_follow(change, recorded, told), told, draft)


def _follow(change: OrderChange, recorded: Recorded | None, told: ProviderDispute) -> Dispute:
    """Record what the provider tells, book what moved, and let the order know."""
    before = first_seen(change.before, told, change.at) if recorded is None else recorded.dispute
    after = before.follow(told)
    evidence = dict(told.evidence) if _size(told.evidence) <= MAX_KEPT_BYTES else {}
    answered = evidence != (recorded.evidence if recorded is not None else {})
    if recorded is not None and after == before and not answered:
        return before
    after = replace(after, updated_at=change.at, version=before.version + 1)
    save = store.add if recorded is None else store.save
    save(change.tx, change.tenant, after)
    if answered:
        store.keep_evidence(change.tx, change.tenant, after, evidence)
    _book(change, before, after, told)
    shown = as_object(after)
    change.tell(after.status, TimelineType.DISPUTE, data=_told(after))
    if recorded is None:
        change.announce("dispute.created", shown)
    if after.is_closed and (recorded is None or not before.is_closed):
        change.announce("dispute.closed", shown)
    elif recorded is not None:
        change.announce("dispute.updated", shown)
    change.save()
    return after


def _book(change: OrderChange, before: Dispute, after: Dispute, told: ProviderDispute) -> None:
    """Book what the provider took and gave since, each once, and what is lost by it."""
    zero, actor = Money.zero(change.before.currency), change.caller.actor
    for each in told.movements:
        if each.movement_id not in before.movements and each.amount.minor:
            held = zero - each.amount
            change.post(entries.dispute(after.order_id, each.movement_id, held, change.at, actor))
    lost = after.lost - before.lost
    if lost.minor:
        operation = f"dispute_loss:{after.dispute_id}:{after.version}"
        change.post(entries.dispute_loss(after.order_id, operation, lost, change.at, actor))
        change.spend(zero - lost)
    change.after = replace(change.after, disputed=change.after.disputed + after.held - before.held)


def _told(dispute: Dispute) -> dict[str, str | int]:
    """What the timeline says beside the status; amounts in minor units."""
    return {
        "dispute_id": dispute.dispute_id,
        "amount": dispute.amount.minor,
        "amount_withdrawn": dispute.withdrawn.minor,
        "amount_reinstated": dispute.reinstated.minor,
    }


def _detailed(dispute: Dispute, told: ProviderDispute, draft: dict[str, str]) -> Detailed:
    return Detailed(dispute, dict(told.evidence), draft if dispute.status in ANSWERABLE else None)


def _require_answerable(known: ProviderDispute) -> None:
    if known.status in ANSWERED:
        raise Conflict(
            "Evidence was handed in already, and the bank listens once", field="status", reason="already_responded"
        )
    if known.status not in ANSWERABLE:
        raise Conflict(f"This dispute is {known.status}", field="status", reason="dispute_closed")
    if known.is_overdue(clock.now()):
        raise Conflict("The date by which evidence was due has passed", field="status", reason="evidence_overdue")


def _filled(given: Mapping[str, str | None], held: Mapping[str, str], draft: Mapping[str, str]) -> dict[str, str]:
    """What is sent: what the merchant gives, and the draft where neither they nor the provider have decided."""
    own = {name: text for name, text in given.items() if text is not None}
    sent = {name: text for name, text in draft.items() if name not in held and name not in given} | own
    together = {**held, **sent}
    characters = sum(len(text) for text in together.values())
    if characters > MAX_EVIDENCE or _size(together) > MAX_KEPT_BYTES:
        raise Invalid(
            f"All evidence together has at most {MAX_EVIDENCE} characters, and {MAX_KEPT_BYTES} bytes in UTF-8",
            field="evidence",
            reason="evidence_too_long",
        )
    return sent


def _size(evidence: Mapping[str, str]) -> int:
    return len(wire_json.dumps(dict(evidence)).encode())


def _count_attempt(tx: Transaction, caller: Caller, dispute_id: str) -> None:
    """Let the next try use another idempotency key: Stripe answers a stored internal error for ever."""
    dispute = queries.get(caller.tenant, dispute_id).dispute
    store.save(tx, caller.tenant, replace(dispute, attempts=dispute.attempts + 1, version=dispute.version + 1))
