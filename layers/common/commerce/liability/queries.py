"""Reading closed days, and having one exported again. Apart from what closes them, so that endpoints load little."""

from datetime import date

from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Conflict, NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.liability import store
from commerce.liability.model import DayExport, is_over


def page_of(tenant: Tenant, request: PageRequest) -> Page[DayExport]:
    """A page of the closed days, the newest first."""
    return store.page_of(tenant, request)


def get(tenant: Tenant, day: date) -> DayExport:
    """A closed day.

    Raises:
        NotFound: it is not closed.
    """
    export = store.find(tenant, day)
    if export is None:
        raise NotFound("liability export")
    return export


def require_closable(tenant: Tenant, day: date) -> date:
    """The shop's first day of stored value, if ``day`` can be closed or exported again.

    Raises:
        NotFound: the shop owed no stored value by then.
        Conflict: the day is not over.
    """
    closed = store.first(tenant)
    first = closed.day if closed else store.first_day(tenant)
    if first is None or day < first:
        raise NotFound("liability export")
    if not is_over(tenant, day, clock.now()):
        raise Conflict(f"{day} is not over in {tenant.timezone}", field="date", reason="day_not_over")
    return first
