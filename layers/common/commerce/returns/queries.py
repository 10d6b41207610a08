"""Reading returns (contract RT-01, RT-06, RT-08)."""

from dataclasses import dataclass

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.orders import store as orders
from commerce.orders.model import Order
from commerce.refunds import store as refunds
from commerce.refunds.model import RefundPlan
from commerce.refunds.records import Refund
from commerce.returns import store
from commerce.returns.model import Return, ReturnStatus, Step
from commerce.returns.use_cases import quoted


@dataclass(frozen=True, slots=True)
class Detailed:
    """A return with its order, what happened to it, and what was given back for it, all oldest first."""

    ret: Return
    order: Order
    history: tuple[Step, ...]
    refunds: tuple[Refund, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """What goes back for a return of an order; the steps of the plan add up to its amount."""

    ret: Return
    order: Order
    plan: RefundPlan


def get(tenant: Tenant, return_id: str) -> Return:
    """One return.

    Raises:
        NotFound: no such return of this tenant.
    """
    ret = store.find(tenant, return_id)
    if ret is None:
        raise NotFound("return")
    return ret


def get_detailed(tenant: Tenant, return_id: str) -> Detailed:
    """One return with all that belongs to it.

    Raises:
        NotFound: no such return of this tenant.
    """
    found = store.find_with_history(tenant, return_id)
    if found is None:
        raise NotFound("return")
    ret, history = found
    order = orders.find(tenant, ret.order_id)
    assert order is not None
    return Detailed(ret, order, tuple(history), _refunds_of(tenant, ret))


def get_own(tenant: Tenant, order_id: str, return_id: str, customer_id: str) -> Detailed:
    """A return of a customer's own order with all that belongs to it.

    Raises:
        NotFound: no such return of this order, or another customer's.
    """
    found = get_detailed(tenant, return_id)
    if found.ret.order_id != order_id or found.ret.customer_id != customer_id:
        raise NotFound("return")
    return found


def find(
    tenant: Tenant, request: PageRequest, status: ReturnStatus | None, rma_number: str | None = None
) -> Page[Return]:
    """A page of returns, newest first (contract RT-01), or the one that a parcel with ``rma_number`` belongs to."""
    if rma_number is None:
        return store.page_of(tenant, request, status)
    found = store.with_number(tenant, rma_number.upper())
    shown = found is not None and found.is_approved and status in (None, found.status)
    return Page((found,) if found is not None and shown else (), request)


def of_own_order(tenant: Tenant, request: PageRequest, order_id: str, customer_id: str) -> Page[Return]:
    """A page of the returns of a customer's own order, newest first.

    Raises:
        NotFound: no such order, or another customer's.
    """
    page = store.page_of_order(tenant, request, order_id)
    order = orders.find(tenant, order_id)
    if order is None or order.buyer.customer_id != customer_id:
        raise NotFound("order")
    return page


def quote(tenant: Tenant, return_id: str) -> Quote:
    """What would go back for a return now, or what was given for it, and why that much (contract RT-08).

    Raises:
        NotFound: no such return.
    """
    ret = get(tenant, return_id)
    order = orders.find(tenant, ret.order_id)
    assert order is not None
    if ret.status not in (ReturnStatus.REFUNDED, ReturnStatus.CLOSED):
        return Quote(ret, order, quoted(tenant, order, ret))
    given = next(iter(_refunds_of(tenant, ret)), None)
    if given is None:
        return Quote(ret, order, RefundPlan(ret.refund, (), ()))
    return Quote(ret, order, RefundPlan(given.amount, given.parts, given.steps, given.lines))


def _refunds_of(tenant: Tenant, ret: Return) -> tuple[Refund, ...]:
    if ret.refund_id is None:
        return ()
    return tuple(each for each in refunds.of_order(tenant, ret.order_id) if each.return_id == ret.return_id)
