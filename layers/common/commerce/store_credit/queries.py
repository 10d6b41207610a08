"""What is known of a customer's store credit (contract SC-02, SC-06)."""

from commerce.customers import store as customers
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.ledger import store as ledger
from commerce.ledger.model import Entry
from commerce.store_credit import store
from commerce.store_credit.model import Balance, balance_of


def balances(tenant: Tenant, customer_id: str) -> list[Balance]:
    """A customer's credit in each currency that they have some of, the shop's own first and always (contract SC-02).

    One query; who has no lots is looked for among the customers.

    Raises:
        NotFound: no such customer.
    """
    lots = store.lots_of(tenant, customer_id)
    if not lots:
        _require_customer(tenant, customer_id)
    others = sorted({lot.currency for lot in lots} - {tenant.currency})
    return [balance_of(lots, currency) for currency in (tenant.currency, *others)]


def transactions(tenant: Tenant, customer_id: str, request: PageRequest) -> Page[Entry]:
    """What happened to a customer's credit, newest first; entries are only ever added (contract SC-06).

    Raises:
        NotFound: no such customer.
    """
    page = ledger.of_credit(tenant, customer_id, request)
    if not page.items:
        _require_customer(tenant, customer_id)
    return page


def _require_customer(tenant: Tenant, customer_id: str) -> None:
    if customers.find(tenant, customer_id) is None:
        raise NotFound("customer")
