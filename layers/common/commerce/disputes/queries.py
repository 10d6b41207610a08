"""Reading disputes, from what is recorded of them: without Stripe."""

from dataclasses import dataclass

from commerce.disputes import store
from commerce.disputes.evidence import draft
from commerce.disputes.model import ANSWERABLE, Dispute, DisputeStatus
from commerce.disputes.store import Recorded
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.orders import store as order_rows
from commerce.orders.model import Order

HISTORY = 200  # events of an order that a draft draws on, the newest


@dataclass(frozen=True, slots=True)
class Detailed:
    """A dispute, what the provider holds of our evidence, and what a response would be filled up with."""

    dispute: Dispute
    evidence: dict[str, str]
    draft: dict[str, str] | None


def get(tenant: Tenant, dispute_id: str) -> Recorded:
    """One dispute.

    Raises:
        NotFound: no such dispute of this tenant.
    """
    recorded = store.find(tenant, dispute_id)
    if recorded is None:
        raise NotFound("dispute")
    return recorded


def get_detailed(tenant: Tenant, dispute_id: str) -> Detailed:
    """One dispute with the draft of a response, as long as it can be answered (contract PY-10).

    Raises:
        NotFound: no such dispute of this tenant.
    """
    recorded = get(tenant, dispute_id)
    dispute = recorded.dispute
    if dispute.status not in ANSWERABLE:
        return Detailed(dispute, recorded.evidence, None)
    return Detailed(dispute, recorded.evidence, drafted(tenant, dispute.order_id, notes=False)[1])


def drafted(tenant: Tenant, order_id: str, *, notes: bool) -> tuple[Order, dict[str, str]]:
    """An order, and the evidence that it and its timeline give.

    Raises:
        NotFound: no such order of this tenant.
    """
    found = order_rows.find_with_timeline(tenant, order_id, HISTORY, notes=notes)
    if found is None:
        raise NotFound("order")
    order, timeline = found
    return order, draft(order, timeline, tenant.timezone)


def find(
    tenant: Tenant, request: PageRequest, *, order_id: str | None = None, status: DisputeStatus | None = None
) -> Page[Dispute]:
    """A page of disputes, newest first (contract PY-06)."""
    return store.page_of(tenant, request, order_id=order_id, status=status)
