"""Closed days, entered as the liability export's workflow leaves them."""

from datetime import date, timedelta

from commerce.kernel.caller import Tenant
from commerce.liability import store
from commerce.liability.model import Account, DayExport, Line, Movement
from commerce.table.transaction import run

LONG_AGO = date(2020, 1, 1)


def close_day(tenant: Tenant, day: date, *lines: Line) -> DayExport:
    """Close a day on which nothing was booked, or what ``lines`` say."""
    entries = sum(movement.entries for line in lines for _, movement in line.movements)
    export = DayExport(
        day=day,
        timezone=tenant.timezone,
        lines=lines,
        entries=entries,
        first_entry="txn_first" if entries else None,
        last_entry="txn_last" if entries else None,
        sha256="0" * 64,
        size=180,
    )
    run(lambda tx: store.add(tx, tenant, export))
    return export


def close_next(tenant: Tenant) -> DayExport:
    """Close the day after the last closed one, beginning long ago."""
    return close_day(tenant, next_day(tenant))


def next_day(tenant: Tenant) -> date:
    """The day after the last closed one."""
    newest = store.newest(tenant)
    return newest.day + timedelta(days=1) if newest else LONG_AGO


def sold_cards(opening: int, issued: int, currency: str = "USD", *, spent: int = 0) -> Line:
    """A day of gift cards that somebody paid for, in minor units."""
    movements = (("commit", Movement(1, -spent)),) * bool(spent) + (("issue", Movement(1, issued)),)
    return Line(Account("gift_card", currency, "paid"), opening, movements)
