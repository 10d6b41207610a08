"""Reading backorders with how far their orders say they are (contract BO-01, PO-01)."""

from commerce.backorders import store
from commerce.backorders.model import Backorder, Kind, Standing
from commerce.kernel.caller import Tenant
from commerce.kernel.paging import Page, PageRequest
from commerce.orders import store as orders


def waiting(tenant: Tenant, request: PageRequest) -> Page[Standing]:
    """A page of backorders that wait, the longest waiting first; one that has just been served is left out."""
    page = store.page_waiting(tenant, request, Kind.BACKORDER)
    return page.over(tuple(each for each in _standing(tenant, page) if each.remaining))


def preorders(tenant: Tenant, request: PageRequest) -> Page[Standing]:
    """A page of preorders in whatever state, newest first."""
    page = store.page_of(tenant, request, Kind.PREORDER)
    return page.over(tuple(_standing(tenant, page)))


def _standing(tenant: Tenant, page: Page[Backorder]) -> list[Standing]:
    found = orders.find_all(tenant, [each.order_id for each in page.items])
    return [Standing(each, found[each.order_id]) for each in page.items]
