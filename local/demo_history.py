"""Give the demo shop a past: gift cards and store credit of the last days, so that there are days to close.

``make up`` runs it once, with a clock that is set back; the hourly schedule closes those days like any missed ones.
"""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "common"))
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Till")

from commerce.access.queries import find_tenant
from commerce.gift_cards import lifecycle, store
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.gift_cards.lifecycle import CancelCard, Disposition
from commerce.gift_cards.model import Funding, GiftCard
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, Tenant, system
from commerce.kernel.money import Money
from commerce.store_credit import use_cases as store_credit
from commerce.store_credit.use_cases import IssueCredit
from commerce.table.transaction import run

DAYS = 5
_SOLD = (25, 50, 50, 100, 75, 25, 150, 50, 40, 60)  # major units, two a day


def tell(tenant: Tenant, customer_id: str) -> int:
    """Let the last days happen, the oldest first; give how many cards there are then."""
    caller = system(tenant, "demo")
    cards: list[GiftCard] = []
    for number in range(DAYS):
        moment = _noon(tenant, DAYS - number)
        with clock.use(lambda moment=moment: moment):  # type: ignore[misc]
            cards += [_issue(caller, amount, Funding.PAID) for amount in _SOLD[2 * number : 2 * number + 2]]
            _happen(number, caller, cards, customer_id)
    return len(cards)


def _happen(number: int, caller: Caller, cards: list[GiftCard], customer_id: str) -> None:
    """What else happened on a day: a contest, a complaint, a card that was lost, one that nobody wanted."""
    if number == 1:
        cards.append(_issue(caller, 10, Funding.PROMOTIONAL))
        credit = IssueCredit(customer_id, _money(caller, 12), "goodwill", reference="a late parcel")
        run(lambda tx: store_credit.issue(tx, caller, credit))
    if number == 2:
        lost = CancelCard(cards[0].serial, Disposition.TRANSFER, to_email="kim@example.com", reason="lost")
        run(lambda tx: lifecycle.cancel(tx, caller, lost))
    if number == 3:
        unwanted = CancelCard(cards[1].serial, Disposition.REFUND_ORIGINAL, reason="bought twice")
        run(lambda tx: lifecycle.cancel(tx, caller, unwanted))


def _issue(caller: Caller, amount: int, funding: Funding) -> GiftCard:
    command = IssueCard(_money(caller, amount), funding, owner_email="kim@example.com")
    return run(lambda tx: issue(tx, caller, command)).card


def _money(caller: Caller, amount: int) -> Money:
    return Money(amount * 100, caller.tenant.currency)


def _noon(tenant: Tenant, days_ago: int) -> datetime:
    zone = ZoneInfo(tenant.timezone)
    day = clock.now().astimezone(zone).date() - timedelta(days=days_ago)
    return datetime.combine(day, time(12), zone).astimezone(UTC)


def _is_told(tenant: Tenant) -> bool:
    return next(iter(store.all_of(tenant, None, None)), None) is not None


def main(argv: list[str] | None = None, out: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo_history", description=__doc__)
    parser.add_argument("--tenant", required=True, help="the demo shop")
    parser.add_argument("--mode", default="test", choices=list(Mode))
    parser.add_argument("--table", required=True)
    parser.add_argument("--customer", required=True, help="who gets store credit")
    given = parser.parse_args(argv)
    os.environ["TABLE_NAME"] = given.table
    tenant = find_tenant(given.tenant, Mode(given.mode))
    if tenant is None:
        print(f"There is no tenant {given.tenant}", file=sys.stderr)
        return 1
    out("told already" if _is_told(tenant) else f"{tell(tenant, given.customer)} gift cards of {DAYS} days")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
