"""The daily liability export: days of 23, 24 and 25 hours, what is proved before one is closed, and its files."""

import csv
import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import boto3
import pytest

from commerce.gift_cards import lifecycle, redeeming
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.gift_cards.lifecycle import CancelCard, Disposition
from commerce.gift_cards.model import CardStatus, Funding, GiftCard
from commerce.kernel import aws, clock
from commerce.kernel.caller import Caller, Mode, Role, Tenant
from commerce.kernel.money import Money
from commerce.kernel.periods import end_of, start_of
from commerce.kernel.uploads import PART_BYTES, Upload
from commerce.ledger import store as ledger
from commerce.ledger.model import EntryType, order_tender
from commerce.liability import files, publishing, store, use_cases, workflow
from commerce.liability.model import DayExport, slices
from commerce.store_credit import store as lots
from commerce.store_credit import use_cases as store_credit
from commerce.table.transaction import Transaction, run
from tests.contract.shops import Shop
from tests.shop import Call, handler
from tests.workflow import Machine

BUCKET = "till-files"
ZONES = {
    "America/New_York": date(2026, 2, 20),  # the clocks go forward on 8 March
    "Europe/London": date(2026, 10, 10),  # and back on 25 October
    "Asia/Tokyo": date(2026, 3, 1),
}


@pytest.fixture(autouse=True)
def bucket(_aws: Any, table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("FILES_BUCKET", BUCKET)
    aws.client.cache_clear()
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()
    aws.client.cache_clear()


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The metrics that alarms watch, as they are counted."""
    counted: list[str] = []
    monkeypatch.setattr(publishing, "count_event", counted.append)
    return counted


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Step Functions, in this thread."""
    machine = Machine("LiabilityExportWorkflow")

    def start(tenant: Tenant, day: date, attempt: str) -> bool:
        name = f"{tenant.tenant_id}-{tenant.mode}-{day}-{attempt}"
        return machine.start(name, {"tenant_id": tenant.tenant_id, "mode": str(tenant.mode), "day": str(day)})

    monkeypatch.setattr(workflow, "start", start)
    return machine


def opened(timezone: str = "UTC", tenant_id: str = "ten_1") -> Caller:
    tenant = Tenant(tenant_id, Mode.TEST, "USD", timezone, "US", ("wh_001",))
    Shop(Call(), tenant).open()
    return Caller(tenant, "key_1", Role.API_KEY)


def at(instant: datetime) -> Any:
    return clock.use(lambda: instant)


def on(instant: datetime, plan: Callable[[Transaction], Any]) -> Any:
    with at(instant):
        return run(plan)


def close_days(now: datetime) -> dict[str, int]:
    with at(now):
        closed: dict[str, int] = handler("schedules/close_days").handler({}, None)
        return closed


def objects(prefix: str = "liability/") -> dict[str, bytes]:
    found = boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix=prefix)
    return {each.key: each.get()["Body"].read() for each in found}


def file_of(tenant: Tenant, day: date, kind: str) -> bytes:
    return objects(files.key(tenant, day, kind))[files.key(tenant, day, kind)]


class Trade:
    """What a shop and its customers do with stored value, at random, and what is owed after each act."""

    def __init__(self, merchant: Caller, seed: int) -> None:
        self.merchant, self.tenant = merchant, merchant.tenant
        self.random = random.Random(seed)
        self.serials: list[str] = []
        self.credits: list[str] = []
        self._acts = (self.sell, self.sell, self.give, self.spend, self.spend, self.refund, self.end, self.void)

    def act(self, instant: datetime) -> None:
        on(instant, self.random.choice(self._acts))

    def amount(self, most: int = 20000) -> int:
        return self.random.randint(1, most)

    def sell(self, tx: Transaction) -> None:
        currency, funding = (
            self.random.choice(["USD", "JPY", "KWD"]),
            self.random.choice([Funding.PAID, Funding.GOODWILL]),
        )
        made = issue(tx, self.merchant, IssueCard(Money(self.amount(), currency), funding))
        self.serials.append(made.card.serial)

    def give(self, tx: Transaction) -> None:
        command = store_credit.IssueCredit(
            "cust_1", Money(self.amount(), "USD"), self.random.choice(["refund", "goodwill"])
        )
        self.credits.append(store_credit.issue(tx, self.merchant, command).credit_id)

    def spend(self, tx: Transaction) -> None:
        card = self._card(CardStatus.ACTIVE)
        if card is not None and card.available.minor:
            part = Money(self.amount(card.available.minor), card.currency)
            redeeming.redeem(tx, self.merchant, card, part, "order_1")

    def refund(self, tx: Transaction) -> None:
        card = self._card(*CardStatus)
        committed = (
            [each for each in cards.redemptions_of(self.tenant, card.serial) if each.remaining.minor] if card else []
        )
        if card is not None and committed:
            parts = [(committed[0], Money(self.amount(committed[0].remaining.minor), card.currency))]
            source = order_tender("order_1")
            redeeming.give_back(tx, self.merchant, card, parts, kind=EntryType.REFUND, source=source)

    def end(self, tx: Transaction) -> None:
        card = self._card(CardStatus.ACTIVE)
        if card is not None:
            where = self.random.choice([Disposition.WRITE_OFF, Disposition.TRANSFER])
            lifecycle.cancel(tx, self.merchant, CancelCard(card.serial, where, "john@example.com"))

    def void(self, tx: Transaction) -> None:
        if self.credits:
            store_credit.void(tx, self.merchant, self.credits.pop(), "given by mistake")

    def _card(self, *statuses: CardStatus) -> GiftCard | None:
        found = cards.find(self.tenant, self.random.choice(self.serials)) if self.serials else None
        return found if found is not None and found.status in statuses else None


def owed(tenant: Tenant) -> dict[tuple[str, str, str], int]:
    """What is on all cards and lots at this moment, as the rows say it."""
    sums: dict[tuple[str, str, str], int] = {}
    for card in cards.all_of(tenant, None, None):
        key = ("gift_card", card.currency, str(card.funding))
        sums[key] = sums.get(key, 0) + card.balance.minor
    for lot in lots.all_of(tenant):
        key = ("store_credit", lot.currency, "refund" if lot.reason == "refund" else "promotional")
        sums[key] = sums.get(key, 0) + lot.remaining.minor
    return {key: minor for key, minor in sums.items() if minor}


@pytest.fixture(autouse=True)
def _customers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commerce.customers.store.find", lambda tenant, customer_id: customer_id)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("timezone", "first"), ZONES.items())
def test_thirty_days_close_with_what_is_on_the_cards_and_the_next_day_opens_with_it(
    timezone: str, first: date, machine: Machine, alarms: list[str]
) -> None:
    merchant = opened(timezone)
    tenant, trade, at_midnight = merchant.tenant, Trade(merchant, 4), {}
    days = [first + timedelta(days=number) for number in range(30)]
    for number, day in enumerate(days):
        begins, ends = start_of(day, timezone), end_of(day, timezone)
        # The first and last instants of a day, and one after which the shop goes on before the day is closed.
        moments = sorted(trade.random.uniform(0, (ends - begins).total_seconds() - 1) for _ in range(3))
        for instant in [
            begins,
            *(begins + timedelta(seconds=each) for each in moments),
            ends - timedelta(microseconds=1),
        ]:
            (on(instant, trade.sell) if number == 0 else trade.act(instant))
        at_midnight[day] = owed(tenant)
        if number % 4 != 3:
            trade.act(ends)
            close_days(ends + timedelta(minutes=12))  # else it is missed, and made up for the next time
    close_days(end_of(days[-1], timezone) + timedelta(hours=1))

    exports = {export.day: export for export in store.span(tenant, days[-1], 40)}
    assert list(exports) == days
    assert {export.hours for export in exports.values()} == ({24} if timezone == "Asia/Tokyo" else ZONE_HOURS[timezone])
    opening: dict[Any, int] = {}
    for day in days:
        assert exports[day].closing == at_midnight[day], day
        assert {tuple(line.account): line.opening for line in exports[day].lines if line.opening} == opening, day
        opening = {tuple(account): minor for account, minor in exports[day].closing.items()}
        rows = list(csv.DictReader(io.StringIO(file_of(tenant, day, files.CSV).decode())))
        assert len(rows) == exports[day].entries
        assert [(row["booked_at"], row["entry_id"]) for row in rows] == sorted(
            (row["booked_at"], row["entry_id"]) for row in rows
        )
    assert sum(export.entries for export in exports.values()) > 60
    assert not alarms
    assert {each.status for each in machine.executions.values()} == {"SUCCEEDED"}
    before = objects()
    for day in days[::7]:
        with at(end_of(days[-1], timezone) + timedelta(days=3)):
            assert workflow.start(tenant, day, "again")
    assert objects() == before
    assert not alarms


ZONE_HOURS = {"America/New_York": {23, 24}, "Europe/London": {24, 25}}


@pytest.fixture
def shop() -> Caller:
    """A shop whose stored value began on 20 March: a card of 50.00, of which 20.00 were spent, and 10.00 of credit."""
    merchant = opened()
    made = on(noon(20), lambda tx: issue(tx, merchant, IssueCard(Money(5000, "USD"), Funding.PAID))).card
    on(noon(20, 1), lambda tx: redeeming.redeem(tx, merchant, found(made.serial), Money(2000, "USD"), "order_1"))
    on(noon(20, 2), lambda tx: store_credit.issue(tx, merchant, CREDIT))
    return merchant


CREDIT = store_credit.IssueCredit("cust_1", Money(1000, "USD"), "goodwill")
DAY = date(2026, 3, 20)


def noon(day: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, 12, minute, tzinfo=UTC)


def found(serial: str) -> Any:
    card = cards.find(Tenant("ten_1", Mode.TEST), serial)
    assert card is not None
    return card


def plant_a_cent(table: Any, minor: int = 1) -> None:
    """Change a card's balance behind the ledger's back."""
    [card] = [row for row in table.scan()["Items"] if row["kind"] == "gift_card"]
    key = {name: card[name] for name in ("pk", "sk")}
    table.update_item(Key=key, UpdateExpression="ADD balance :cent", ExpressionAttributeValues={":cent": minor})


def test_the_schedule_fired_twice_closes_a_day_once(shop: Caller, machine: Machine) -> None:
    assert close_days(noon(21)) == {"started": 1, "failed": 0}
    assert close_days(noon(21)) == {"started": 0, "failed": 0}
    assert close_days(noon(21, 59)) == {"started": 0, "failed": 0}
    assert [export.day for export in store.span(shop.tenant, DAY, 5)] == [DAY]


def test_a_day_that_is_still_being_closed_is_named_alike_in_an_hour_and_tried_again_in_the_next(shop: Caller) -> None:
    asked: list[tuple[date, str]] = []

    def start(tenant: Tenant, day: date, attempt: str) -> bool:
        asked.append((day, attempt))
        return True

    for minutes in (12, 13, 72):
        with at(noon(21, 0) + timedelta(minutes=minutes)):
            use_cases.close_due(start)
    assert asked == [(DAY, "20260321T12"), (DAY, "20260321T12"), (DAY, "20260321T13")]


def test_a_schedule_that_was_away_for_three_days_gives_one_file_for_each(shop: Caller, machine: Machine) -> None:
    assert close_days(noon(21)) == {"started": 1, "failed": 0}
    assert close_days(noon(24)) == {"started": 3, "failed": 0}
    names = [f"liability/ten_1/test/{day}/liability-{day}.csv" for day in (f"2026-03-{each}" for each in range(20, 24))]
    assert [key for key in objects() if key.endswith(".csv")] == names


@pytest.mark.parametrize(("instant", "started"), [("00:09:59", 0), ("00:10:00", 1)])
def test_a_day_is_closed_ten_minutes_after_its_end(instant: str, started: int, shop: Caller, machine: Machine) -> None:
    assert close_days(datetime.fromisoformat(f"2026-03-21T{instant}Z"))["started"] == started


def test_a_shop_without_stored_value_has_no_days_to_close(machine: Machine) -> None:
    opened()
    assert close_days(noon(21)) == {"started": 0, "failed": 0}


@pytest.mark.parametrize(("card", "credit"), [(18, 19), (19, 18)])
def test_the_first_day_is_that_of_the_first_card_or_credit(card: int, credit: int, machine: Machine) -> None:
    merchant = opened()
    on(noon(card), lambda tx: issue(tx, merchant, IssueCard(Money(5000, "USD"))))
    on(noon(credit), lambda tx: store_credit.issue(tx, merchant, CREDIT))
    close_days(noon(20))
    days = [export.day for export in store.span(merchant.tenant, DAY, 30)]
    assert days == [date(2026, 3, 18), date(2026, 3, 19)]


def test_a_shop_that_cannot_be_read_does_not_keep_the_others_open(
    shop: Caller, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tenant_id="a_broken_shop")
    newest = store.newest

    def broken(tenant: Tenant) -> DayExport | None:
        if tenant.tenant_id == "a_broken_shop":
            raise RuntimeError
        return newest(tenant)

    monkeypatch.setattr(store, "newest", broken)
    assert close_days(noon(21)) == {"started": 1, "failed": 2}


@pytest.mark.parametrize("cents", [1, -1])
def test_a_planted_cent_withholds_every_file_and_rings_the_alarm(
    cents: int, shop: Caller, machine: Machine, alarms: list[str], table: Any
) -> None:
    plant_a_cent(table, cents)
    close_days(noon(21))
    [execution] = machine.executions.values()
    assert (execution.status, execution.state) == ("FAILED", "Unreconciled")
    assert execution.output == f"2026-03-20: gift_card USD paid: booked 3000, found {3000 + cents}"
    assert alarms == ["UnreconciledLiability"]
    assert objects() == {}
    assert store.newest(shop.tenant) is None
    plant_a_cent(table, -cents)
    close_days(noon(21) + timedelta(hours=1))
    assert store.newest(shop.tenant) is not None
    assert len(objects()) == 3


def test_a_cent_planted_on_a_card_that_was_used_since_is_found_too(
    shop: Caller, machine: Machine, alarms: list[str], table: Any
) -> None:
    [card] = cards.all_of(shop.tenant, None, None)
    on(noon(21), lambda tx: redeeming.redeem(tx, shop, card, Money(500, "USD"), "order_1"))
    plant_a_cent(table)
    close_days(noon(21, 5))
    assert alarms == ["UnreconciledLiability"]
    assert objects() == {}


def test_days_after_one_that_does_not_add_up_are_left_for_later(
    shop: Caller, machine: Machine, alarms: list[str], table: Any
) -> None:
    plant_a_cent(table)
    close_days(noon(22))
    first, second = machine.executions.values()
    assert (first.status, second.status, second.state) == ("FAILED", "SUCCEEDED", "Postponed")
    assert second.waits == 20
    assert objects() == {}


def test_a_closed_day_that_comes_out_otherwise_rings_the_alarm_and_keeps_its_file(
    shop: Caller, machine: Machine, alarms: list[str]
) -> None:
    close_days(noon(21))
    before = objects()
    on(noon(20, 30), lambda tx: issue(tx, shop, IssueCard(Money(700, "USD"))))  # by a clock that is a day late
    with at(noon(21)):
        workflow.start(shop.tenant, DAY, "again")
    assert machine.executions["ten_1-test-2026-03-20-again"].output == "2026-03-20: closed before with other figures"
    assert alarms == ["UnreconciledLiability"]
    assert objects() == before


def test_lost_files_come_back_to_the_byte(shop: Caller, machine: Machine, bucket: Any) -> None:
    close_days(noon(22))
    before = objects()
    bucket.objects.filter(Prefix="liability/").delete()
    with at(noon(25)):
        for day in (DAY, DAY + timedelta(days=1)):
            workflow.start(shop.tenant, day, "again")
    assert objects() == before


def test_a_change_while_a_card_is_rewound_is_seen_and_read_again(
    shop: Caller, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query for a card's book has pages: what changes between them is in one page and not in the other."""
    [card] = cards.all_of(shop.tenant, None, None)
    on(noon(21), lambda tx: redeeming.redeem(tx, shop, card, Money(500, "USD"), "order_1"))
    whole, looks = cards.with_book, []

    def torn(tenant: Tenant, serial: str) -> Any:
        rows = whole(tenant, serial)
        looks.append(len(rows))
        return [row for row in rows if len(looks) > 1 or getattr(row, "type", "") != "commit"]

    monkeypatch.setattr(cards, "with_book", torn)
    close_days(noon(21, 5))
    newest = store.newest(shop.tenant)
    assert newest is not None
    assert newest.closing == {("gift_card", "USD", "paid"): 3000, ("store_credit", "USD", "promotional"): 1000}
    assert len(looks) == 2


def test_what_a_slow_clock_changed_after_midnight_is_taken_off_too(shop: Caller, machine: Machine) -> None:
    """A card is used after midnight, and then by a function whose clock still says 23:59:59."""
    midnight = datetime(2026, 3, 21, tzinfo=UTC)
    for instant, cents in ((midnight + timedelta(seconds=1), 300), (midnight - timedelta(seconds=1), 200)):
        [card] = cards.all_of(shop.tenant, None, None)
        part = Money(cents, "USD")
        on(instant, partial(redeeming.redeem, caller=shop, card=card, amount=part, order_id="order_1"))
    close_days(noon(21))
    newest = store.newest(shop.tenant)
    assert newest is not None
    assert newest.closing[next(iter(newest.closing))] == 2800


def test_the_manifest_says_what_the_file_proves(shop: Caller, machine: Machine) -> None:
    close_days(noon(21))
    told = json.loads(file_of(shop.tenant, DAY, files.JSON))
    content = file_of(shop.tenant, DAY, files.CSV)
    ids = [row["entry_id"] for row in csv.DictReader(io.StringIO(content.decode()))]
    sha256 = hashlib.sha256(content).hexdigest()
    assert told["file"] == {"name": "liability-2026-03-20.csv", "bytes": len(content), "sha256": sha256}
    assert (told["first_entry"], told["last_entry"], told["entries"]) == (ids[0], ids[-1], 3)
    assert (told["starts_at"], told["ends_at"], told["hours"]) == ("2026-03-20T00:00:00Z", "2026-03-21T00:00:00Z", 24)
    gift_cards, credit = told["liabilities"]
    assert (gift_cards["opening"], gift_cards["closing"]) == (0, 30)
    assert gift_cards["movements"] == [
        {"type": "commit", "entries": 1, "amount": -20},
        {"type": "issue", "entries": 1, "amount": 50},
    ]
    assert [each["funding"] for each in gift_cards["by_funding"]] == ["paid"]
    assert (credit["book"], credit["closing"]) == ("store_credit", 10)


def test_the_report_shows_what_the_manifest_says_and_a_chart(shop: Caller, machine: Machine) -> None:
    close_days(noon(23))
    page = file_of(shop.tenant, DAY + timedelta(days=1), files.HTML).decode()
    for shown in ("21 March 2026", "30.00 USD", "10.00 USD", "Gift cards, USD", "Store credit, USD", "<polyline"):
        assert shown in page
    assert "http" not in page, "a report loads nothing from elsewhere"


def test_no_file_says_when_it_was_made(shop: Caller, machine: Machine) -> None:
    close_days(datetime(2026, 3, 27, 15, 16, 17, tzinfo=UTC))
    for key, content in objects().items():
        assert b"15:16" not in content, key
        assert b"27 March" not in content, key


def test_a_text_that_a_spreadsheet_would_run_is_only_text(shop: Caller, machine: Machine) -> None:
    reason = '=HYPERLINK("https://evil.example","click")\r\n+1'
    [lot] = lots.all_of(shop.tenant)
    on(noon(20, 30), lambda tx: store_credit.void(tx, shop, lot.credit_id, reason))
    close_days(noon(21))
    rows = list(csv.DictReader(io.StringIO(file_of(shop.tenant, DAY, files.CSV).decode())))
    assert rows[-1]["reason"] == "'" + reason.replace("\r\n", "  ")
    assert rows[-1]["change"] == "-10.00"


def test_no_file_holds_what_opens_a_card(shop: Caller, machine: Machine) -> None:
    [card] = cards.all_of(shop.tenant, None, None)
    close_days(noon(21))
    for key, content in objects("").items():
        assert card.serial.encode() not in content, key


def test_orders_own_entries_are_no_part_of_it(shop: Caller, machine: Machine) -> None:
    from commerce.ledger.entries import capture

    entry = capture("order_1", "pi_1", Money(999, "USD"), noon(20), "system:test")
    on(noon(20), lambda tx: ledger.post(tx, shop.tenant, entry))
    close_days(noon(21))
    newest = store.newest(shop.tenant)
    assert newest is not None
    assert newest.entries == 3


def test_a_file_of_many_parts_is_written_and_read_in_little_memory(bucket: Any) -> None:
    line = b"x" * 99 + b"\n"
    count = 2 * PART_BYTES // 100 + 3
    with Upload("large.csv", files.TYPES[files.CSV]) as upload:
        for _ in range(count):
            upload.write(line)
        assert list(bucket.objects.all()) == [], "visible before it is complete"
        upload.complete()
    content = b"".join(files.lines("large.csv", upload.size))
    assert content == line * count
    assert upload.sha256 == hashlib.sha256(content).hexdigest()


def test_an_upload_that_breaks_off_leaves_nothing(bucket: Any) -> None:
    def break_off() -> None:
        with Upload("large.csv", files.TYPES[files.CSV]) as upload:
            upload.write(b"x" * PART_BYTES)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert list(bucket.objects.all()) == []
    assert "Uploads" not in boto3.client("s3").list_multipart_uploads(Bucket=BUCKET)


def test_slices_cover_the_time_without_gaps() -> None:
    parts = slices(noon(1), noon(28))
    assert (parts[0].start, parts[-1].end) == (noon(1), noon(28))
    assert all(one.end == two.start for one, two in pairwise(parts))
    assert len(slices(noon(1), noon(1, 30))) == 1


def test_step_functions_is_asked_once_for_each_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/workflow"
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    made = client.create_state_machine(name="export", definition=definition, roleArn=role)["stateMachineArn"]
    monkeypatch.setenv("LIABILITY_WORKFLOW", made)
    tenant = Tenant("t" * 40, Mode.TEST)
    for _ in range(2):
        assert workflow.start(tenant, DAY, "20260321T12")
    [execution] = client.list_executions(stateMachineArn=made)["executions"]
    client.stop_execution(executionArn=execution["executionArn"])
    assert not workflow.start(tenant, DAY, "20260321T12")
    assert len(client.list_executions(stateMachineArn=made)["executions"]) == 1
    assert execution["name"] == f"{'t' * 40}-test-2026-03-20-20260321T12"
