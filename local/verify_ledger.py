"""``make verify-ledger``: is every balance of a shop what its ledger entries say?

All cards, lots of store credit and orders are derived again from their entries and compared with what is kept of them,
to the minor unit; and so are the statistics. Reads only. Ends with status 1 when a figure differs.

By default it looks at the demo shop of a running ``make up``; with AWS credentials in the environment, at any other:

  make verify-ledger TABLE=till-prod-Table TENANT=ten_main MODE=live
"""

import argparse
import os
import shlex
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "common"))
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Till")

from pynamodb.exceptions import PynamoDBException

from commerce.access.queries import find_tenant
from commerce.counters import store as counters
from commerce.gift_cards import store as cards
from commerce.gift_cards.store import GiftCardRow
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import CommerceError
from commerce.kernel.money import Money
from commerce.kernel.paging import PageRequest
from commerce.kernel.periods import Period
from commerce.ledger import store as ledger
from commerce.ledger.model import Book, Entry, balances, gift_card, order_tender, store_credit
from commerce.ledger.store import EntryRow
from commerce.orders import store as orders
from commerce.orders.model import COLLECTED, Order
from commerce.store_credit import store as lots
from commerce.store_credit.store import LotRow
from commerce.table.rows import Row
from local.stack.settings import Ports, Settings
from local.stack.shop import TENANT

GIFT_CARDS, STORE_CREDIT, ORDERS, STATISTICS = "gift cards", "store credit", "orders", "statistics"

type Figures = dict[tuple[str, str], int]
"""Minor units by name (an account, a counter) and currency."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is kept, and what the entries say of it."""

    name: str
    kept: Money
    derived: Money

    def __str__(self) -> str:
        return f"{self.name}: {self.kept.major} {self.kept.currency} kept, entries say {self.derived.major}"


def differences(kept: Mapping[tuple[str, str], int], derived: Mapping[tuple[str, str], int]) -> list[Difference]:
    """Where figures that are kept are not those derived from the entries, in order of their names; none is nothing."""
    return [
        Difference(
            name, Money(kept.get((name, currency), 0), currency), Money(derived.get((name, currency), 0), currency)
        )
        for name, currency in sorted(kept.keys() | derived.keys())
        if kept.get((name, currency), 0) != derived.get((name, currency), 0)
    ]


def statistics(entries: Iterable[Entry]) -> Figures:
    """What the statistics of stored value have to say, by ``<book> <name>`` and currency; cards are counted singly."""
    sums: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if entry.book is Book.ORDER:
            continue
        names = {str(entry.type): abs(entry.growth), "outstanding": entry.growth}
        names |= {f"{name}:{entry.funding}": amount for name, amount in names.items()}
        if entry.type == "issue":
            names |= {"issued_count": 1, f"issued_count:{entry.funding}": 1}
        for name, amount in names.items():
            sums[(f"{entry.book} {name}", entry.amount.currency)] += amount
    return dict(sums)


def collected_for(order: Order) -> int:
    """What an order holds of its buyer's money, in minor units: collected, not given back, and not earned yet."""
    if order.is_earned:
        return 0
    if order.payment_status not in COLLECTED:
        return order.tendered.minor
    issued = sum(card.amount.minor for card in order.gift_cards if card.serial is not None)
    return max(0, order.total.minor - issued - order.refunded.minor)


class Audit:
    """One shop's figures: how many were looked at, and which of them differ."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._stored_value: Counter[tuple[str, str]] = Counter()
        self.entries = 0
        self.looked_at: Counter[str] = Counter()
        self.owed: dict[str, Counter[str]] = defaultdict(Counter)
        self.found: list[Difference] = []

    def run(self) -> None:
        """Look at everything."""
        for card in cards.all_of(self._tenant, None, None):
            self._look(GIFT_CARDS, cards.with_book(self._tenant, card.serial))
        for customer_id in {lot.customer_id for lot in lots.all_of(self._tenant)}:
            self._look(STORE_CREDIT, lots.with_book(self._tenant, customer_id))
        for order in self._orders():
            account = order_tender(order.order_id)
            booked = balances(ledger.of_order(self._tenant, order.order_id))
            self.entries += len(ledger.in_book(self._tenant, Book.ORDER, order.order_id))
            of_order = {key: minor for key, minor in booked.items() if key[0] == account}
            self._compare(ORDERS, {(account, order.currency): collected_for(order)}, of_order)
        self._compare(STATISTICS, self._counted(), self._stored_value)

    def _look(self, kind: str, rows: list[Row]) -> None:
        """The book of a card, or of a customer's lots."""
        booked = [row.to_entry() for row in rows if isinstance(row, EntryRow)]
        kept: Figures = {}
        for row in rows:
            if isinstance(row, GiftCardRow):
                kept[(gift_card(row.gift_card_id), row.currency)] = row.to_card().balance.minor
            elif isinstance(row, LotRow):
                kept[(store_credit(row.customer_id, row.credit_id), row.currency)] = row.to_lot().remaining.minor
        prefix = gift_card("") if kind == GIFT_CARDS else store_credit("", "").rstrip(":")
        derived = {key: minor for key, minor in balances(booked).items() if key[0].startswith(prefix)}
        self.entries += len(booked)
        self._stored_value.update(statistics(booked))
        for (_, currency), minor in kept.items():
            self.owed[kind][currency] += minor
        self._compare(kind, kept, derived)

    def _compare(self, kind: str, kept: Mapping[tuple[str, str], int], derived: Mapping[tuple[str, str], int]) -> None:
        self.looked_at[kind] += len(kept)
        self.found += differences(kept, derived)

    def _orders(self) -> Iterator[Order]:
        request = PageRequest.of_page(None, 100, None)
        while True:
            page = orders.page_of(self._tenant, request, None, {}, Period(), None)
            for listed in page.items:
                order = orders.find(self._tenant, listed.order_id)
                if order is not None:
                    yield order
            if page.next_cursor is None:
                return
            request = PageRequest.of_page(None, 100, page.next_cursor)

    def _counted(self) -> Figures:
        return {
            (f"{book} {name}", currency): count
            for book in (Book.GIFT_CARD, Book.STORE_CREDIT)
            for currency in counters.read(self._tenant, ledger.currencies_of(book))
            for name, count in counters.read(self._tenant, ledger.statistics_of(book, currency)).items()
        }


def told(audit: Audit) -> str:
    """What was found, for people."""
    wrong = audit.found
    lines = [f"{audit.entries:,} ledger entries read"]
    for kind in (GIFT_CARDS, STORE_CREDIT, ORDERS, STATISTICS):
        owed = ", ".join(
            f"{Money(minor, currency).major:,f} {currency}" for currency, minor in audit.owed[kind].items()
        )
        lines.append(f"  {kind:<13}{audit.looked_at[kind]:>8,} figures" + (f", {owed} owed" if owed else ""))
    lines += [f"  DIFFERS  {each}" for each in wrong]
    lines.append(
        f"{len(wrong)} figures are not what the ledger says. Statistics follow by seconds: look again before you worry."
        if wrong
        else "Every figure is what its ledger entries say, to the minor unit."
    )
    return "\n".join(lines)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.verify_ledger", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tenant", default=TENANT, help="the shop (%(default)s)")
    parser.add_argument("--mode", choices=[str(mode) for mode in Mode], default=str(Mode.TEST), help="(%(default)s)")
    parser.add_argument("--table", help="the DynamoDB table; without it, that of the running local shop")
    return parser.parse_args(argv)


def _local_environment() -> None:
    """Talk to the local stack, and to nothing else.

    Raises:
        SystemExit: none is running here.
    """
    file = Settings(Ports.from_environment()).environment_file
    if not file.exists():
        raise SystemExit("No shop is running here. Start one (make up), or name a table: make verify-ledger TABLE=…")
    for line in file.read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        if name == "TABLE_NAME" or name.startswith("AWS_"):
            os.environ[name] = "".join(shlex.split(value))


def main(argv: list[str] | None = None) -> int:
    """Print what was found; 1 when a figure differs, 2 when nothing could be read."""
    given = _arguments(argv)
    if given.table:
        os.environ["TABLE_NAME"] = given.table
    else:
        _local_environment()
    try:
        tenant = find_tenant(given.tenant, Mode(given.mode))
        if tenant is None:
            print(f"There is no shop {given.tenant} in {os.environ['TABLE_NAME']}", file=sys.stderr)
            return 2
        audit = Audit(tenant)
        audit.run()
    except (CommerceError, PynamoDBException) as error:
        print(f"{os.environ['TABLE_NAME']} cannot be read: {error}", file=sys.stderr)
        return 2
    print(f"{given.tenant}, {given.mode} data")
    print(told(audit))
    return int(bool(audit.found))


if __name__ == "__main__":
    raise SystemExit(main())
