"""Reading refunds."""

from commerce.kernel.caller import Tenant
from commerce.kernel.paging import Page, PageRequest
from commerce.payments import queries as payments
from commerce.refunds import store
from commerce.refunds.records import Refund


def of_payment(tenant: Tenant, request: PageRequest, payment_id: str) -> Page[Refund]:
    """A page of what went back through a payment, or is on its way, newest first (contract PY-10).

    Raises:
        NotFound: no such payment.
    """
    payment = payments.get(tenant, payment_id)
    return store.page_of_payment(tenant, request, payment.order_id, payment_id)
