"""Reading payments, from what is recorded of them: without Stripe."""

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.payments import store
from commerce.payments.model import IntentStatus, Payment


def get(tenant: Tenant, payment_id: str) -> Payment:
    """One payment; its id is the intent's (contract PY-08).

    Raises:
        NotFound: no such payment of this tenant.
    """
    payment = store.find_by_id(tenant, payment_id)
    if payment is None:
        raise NotFound("payment")
    return payment


def find(
    tenant: Tenant,
    request: PageRequest,
    *,
    order_id: str | None = None,
    customer_id: str | None = None,
    status: IntentStatus | None = None,
) -> Page[Payment]:
    """A page of payments, newest first (contract PY-08)."""
    return store.page_of(tenant, request, order_id=order_id, customer_id=customer_id, status=status)
