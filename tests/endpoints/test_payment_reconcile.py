"""The daily check of payments, refunds and disputes against Stripe's own lists, and what lost webhooks leave to it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from commerce.kernel.caller import Mode
from commerce.kernel.errors import Unavailable
from commerce.payments import check_store, reconciling, stripe_gateway, use_cases
from commerce.payments.checks import Check, Difference, day_of_check, parts_of
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, Call, Credential, handler

TOTAL = 19999


@pytest.fixture
def shop(call: Call, table: Any, stripe: Stripe) -> Iterator[Shop]:
    yield Shop(call).open()
    check(table.scan()["Items"])


@pytest.fixture
def jane(shop: Shop) -> Credential:
    return shop.customer()


@pytest.fixture
def jersey(shop: Shop) -> Any:
    return shop.product("JERSEY", Decimal("199.99"), stock=50)


@pytest.fixture
def place(shop: Shop, jane: Credential, jersey: Any) -> Callable[[], str]:
    return lambda: shop.order(jane, (jersey["id"], 1))


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The metrics that were counted."""
    counted: list[str] = []
    monkeypatch.setattr(reconciling, "count_event", counted.append)
    return counted


def start(shop: Shop, order_id: str, **more: Any) -> str:
    body = {"order_id": order_id, "amount": TOTAL, "currency": "usd"} | more
    return str(shop.do("v2/payments/create_payment_intent", body=body)["id"])


def paid(shop: Shop, stripe: Stripe, order_id: str) -> str:
    intent_id = start(shop, order_id)
    assert stripe.pay(intent_id) == "succeeded"
    shop.settle(stripe)
    return intent_id


def order(shop: Shop, order_id: str) -> Any:
    return shop.do("v2/orders/get_order", id=order_id)


def later(days: int = 1) -> datetime:
    """When the check of what is made now is due."""
    return datetime.now(UTC).replace(hour=4) + timedelta(days=days)


def checked(days: int = 1, may_go_on: Callable[[], bool] = lambda: True) -> Check:
    with clock.use(lambda: later(days)):
        return reconciling.go_on(Mode.TEST, may_go_on)


def only(done: Check) -> Difference:
    assert done.finished_at is not None
    (difference,) = done.told
    return difference


def test_where_both_sides_agree_nothing_differs(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str]
) -> None:
    first = paid(shop, stripe, place())
    start(shop, place())
    stripe.sdk.v1.refunds.create({"payment_intent": first, "amount": 500})
    shop.settle(stripe)

    done = checked()

    assert (done.compared, done.counts, done.told, rung) == (3, {}, (), [])
    assert done.done == len(parts_of(done.day))


def test_a_payment_whose_news_never_came_is_booked(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str]
) -> None:
    order_id = place()
    intent_id = start(shop, order_id)
    stripe.pay(intent_id)

    found = only(checked())

    assert (found.kind, found.payment_id, found.order_id, found.repaired) == ("status", intent_id, order_id, True)
    assert (found.ours, found.theirs) == ("requires_payment_method, 0 of 19999 USD", "succeeded, 19999 of 19999 USD")
    assert order(shop, order_id)["payment_status"] == "paid"
    assert rung == []
    version = order(shop, order_id)["version"]
    shop.settle(stripe)  # should the news come after all
    assert order(shop, order_id)["version"] == version
    assert checked(2).told == ()


def test_a_part_that_the_dashboard_captured_is_booked_and_the_rest_taken_off_the_order(
    shop: Shop, stripe: Stripe, place: Callable[[], str]
) -> None:
    order_id = place()
    intent_id = start(shop, order_id, capture_method="manual")
    stripe.pay(intent_id)
    shop.settle(stripe)
    stripe.sdk.v1.payment_intents.capture(intent_id, {"amount_to_capture": 15000})

    found = only(checked())

    assert (found.kind, found.repaired) == ("status", True)
    assert (order(shop, order_id)["payment_status"], order(shop, order_id)["total"]) == ("paid", 150)


def test_a_refund_of_the_dashboards_whose_news_never_came_is_booked(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str]
) -> None:
    order_id = place()
    intent_id = paid(shop, stripe, order_id)
    refund_id = stripe.sdk.v1.refunds.create({"payment_intent": intent_id, "amount": 999}).id

    found = only(checked())

    assert (found.kind, found.subject_id, found.ours, found.repaired) == ("refund", refund_id, "", True)
    assert order(shop, order_id)["refunded"] == Decimal("9.99")
    assert rung == []
    assert checked(2).told == ()


def test_a_dispute_whose_news_never_came_is_recorded(shop: Shop, stripe: Stripe, place: Callable[[], str]) -> None:
    order_id = place()
    intent_id = start(shop, order_id)
    stripe.pay(intent_id, "pm_card_createDispute")

    done = checked()

    assert [(each.kind, each.repaired) for each in done.told] == [("status", True), ("dispute", True)]
    (dispute,) = shop.do("v2/disputes/list_disputes")["data"]
    assert dispute["id"] == done.told[1].subject_id


def test_what_others_do_in_the_same_account_is_counted_and_not_told(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str]
) -> None:
    made = {"amount": 700, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    made |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    foreign = stripe.sdk.v1.payment_intents.create(made)  # type: ignore[arg-type]
    stripe.sdk.v1.refunds.create({"payment_intent": foreign.id})

    done = checked()

    assert (done.counts, done.told, rung) == ({"not_ours": (2, 0)}, (), [])


def test_money_that_no_order_of_ours_knows_of_rings(shop: Shop, stripe: Stripe, rung: list[str]) -> None:
    made = {"amount": 700, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    made |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    made |= {"metadata": {"till_tenant": "ten_1", "till_mode": "test", "till_order": "order_missing"}}
    lost = stripe.sdk.v1.payment_intents.create(made)  # type: ignore[arg-type]

    found = only(checked())

    assert (found.kind, found.payment_id, found.tenant_id, found.order_id, found.repaired) == (
        "missing_here",
        lost.id,
        "ten_1",
        "order_missing",
        False,
    )
    assert rung == ["PaymentDifferences"]
    assert only(checked(2)).payment_id == lost.id  # and again every day, until somebody has looked
    assert rung == ["PaymentDifferences"] * 2


def test_an_intent_that_its_order_never_learnt_of_is_told_and_rings_nothing(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from commerce.orders import store as order_rows

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(order_rows, "save", die)
        order_id = place()
        with pytest.raises(KeyboardInterrupt):
            start(shop, order_id)

    assert only(checked()).kind == "abandoned"
    (intent_id,) = stripe.intents()
    stripe.sdk.v1.payment_intents.cancel(intent_id)
    assert checked(2).told == ()
    assert rung == []


def test_a_payment_that_stripe_does_not_know_rings(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str]
) -> None:
    order_id = place()
    intent_id = start(shop, order_id)
    stripe.reset()

    found = only(checked())

    assert (found.kind, found.payment_id, found.order_id) == ("missing_there", intent_id, order_id)
    assert rung == ["PaymentDifferences"]


def test_an_amount_that_was_changed_at_stripe_cannot_be_mended(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str]
) -> None:
    intent_id = start(shop, place())
    stripe.sdk.v1.payment_intents.update(intent_id, {"amount": 100})

    found = only(checked())

    assert (found.kind, found.repaired) == ("amount", False)
    assert (found.ours, found.theirs) == (
        "requires_payment_method, 0 of 19999 USD",
        "requires_payment_method, 0 of 100 USD",
    )
    assert rung == ["PaymentDifferences"]


@pytest.mark.parametrize("error", [Unavailable("busy"), RuntimeError("odd")], ids=["refused", "failed"])
def test_one_payment_that_cannot_be_mended_does_not_keep_the_others_from_it(
    shop: Shop,
    stripe: Stripe,
    place: Callable[[], str],
    rung: list[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    orders = [place() for _ in range(3)]
    for each in orders:
        stripe.pay(start(shop, each))
    follow = use_cases.reconcile

    def stubborn(tx: Any, caller: Any, order: Any, intent: Any) -> Any:
        if order.order_id == orders[1]:
            raise error
        return follow(tx, caller, order, intent)

    monkeypatch.setattr(reconciling, "reconcile", stubborn)
    done = checked()

    assert {each.order_id: each.repaired for each in done.told} == {
        orders[0]: True,
        orders[1]: False,
        orders[2]: True,
    }
    assert done.counts == {"status": (3, 2)}
    assert rung == ["PaymentDifferences"]


def test_each_shop_has_its_own_payments_checked(shop: Shop, stripe: Stripe, place: Callable[[], str]) -> None:
    other = Shop(shop.call, OTHER_TENANT).open()
    product = other.product("CUP", Decimal("199.99"), stock=5)
    theirs = start(other, other.order(other.customer(), (product["id"], 1)))
    ours = start(shop, place())
    for each in (ours, theirs):
        stripe.pay(each)

    done = checked()

    assert {(each.tenant_id, each.payment_id, each.repaired) for each in done.told} == {
        ("ten_1", ours, True),
        ("ten_2", theirs, True),
    }


def test_long_lists_are_read_to_their_end(
    shop: Shop, stripe: Stripe, place: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_gateway, "_LISTED_AT_ONCE", 2)
    for _ in range(5):
        start(shop, place())

    assert (checked().compared, checked().told) == (5, ())


def test_a_check_goes_on_where_the_last_run_stopped(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str]
) -> None:
    order_id = place()
    stripe.pay(start(shop, order_id))
    total, runs = 0, 0
    done = checked(may_go_on=lambda: False)
    assert (done.done, check_store.find(Mode.TEST, done.day)) == (0, None)

    while done.finished_at is None:
        turns = iter([True] * 30)
        done = checked(may_go_on=lambda turns=turns: next(turns, False))  # type: ignore[misc]
        total, runs = max(total, done.done), runs + 1

    assert (runs, done.done) == (4, total)
    assert only(done).repaired
    assert check_store.find(Mode.TEST, done.day) == done


def test_a_check_that_is_done_is_not_begun_again_that_day(
    shop: Shop, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = checked()

    def fail(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(stripe_gateway, "_listed", fail)

    assert checked() == done


def test_a_part_that_dies_is_done_again(
    shop: Shop, stripe: Stripe, place: Callable[[], str], rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = place()
    stripe.pay(start(shop, order_id))

    plus = Check.plus

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    def die_once_mended(self: Check, compared: int, found: list[Difference], at: datetime) -> Check:
        if found:
            raise KeyboardInterrupt
        return plus(self, compared, found, at)

    deaths = ((reconciling, "difference_of", die, "pending"), (Check, "plus", die_once_mended, "paid"))
    for owner, name, death, payment_status in deaths:
        with monkeypatch.context() as dying:
            dying.setattr(owner, name, death)
            with pytest.raises(KeyboardInterrupt):
                checked()
        assert order(shop, order_id)["payment_status"] == payment_status

    done = checked()

    assert (done.finished_at is not None, done.told, rung) == (True, (), [])
    assert order(shop, order_id)["payment_status"] == "paid"


def test_of_two_runs_at_once_each_does_what_the_other_did_not(
    shop: Shop, stripe: Stripe, place: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(shop, place())
    save, interrupted = check_store.save, iter([True])

    def overtaken(tx: Any, done: Check) -> None:
        if next(interrupted, False):
            turn = iter([True])
            checked(may_go_on=lambda: next(turn, False))
        save(tx, done)

    monkeypatch.setattr(check_store, "save", overtaken)
    done = checked()

    assert (done.done, done.compared) == (len(parts_of(done.day)), 1)


@pytest.mark.parametrize(
    ("now", "day"),
    [("2026-03-21T02:59:59Z", "2026-03-20"), ("2026-03-21T03:00:00Z", "2026-03-21")],
)
def test_a_days_check_waits_until_news_of_the_day_before_have_come(now: str, day: str) -> None:
    assert day_of_check(datetime.fromisoformat(now)).isoformat() == day


def test_a_check_leaves_no_gap_and_looks_at_nothing_of_its_own_day() -> None:
    day = day_of_check(datetime(2026, 3, 21, 12, tzinfo=UTC))
    for kind in {part.kind for part in parts_of(day)}:
        periods = [part.period for part in parts_of(day) if part.kind is kind]
        assert [each.start for each in periods[1:]] == [each.end for each in periods[:-1]]
        assert periods[-1].end == datetime(2026, 3, 21, tzinfo=UTC)
        assert periods[0].start is not None
        assert periods[0].start <= datetime(2026, 3, 11, tzinfo=UTC)


def test_the_schedule_checks_the_modes_that_have_a_key(shop: Shop, stripe: Stripe, place: Callable[[], str]) -> None:
    stripe.pay(start(shop, place()))

    with clock.use(later):
        told = handler("schedules/reconcile_payments").handler({}, None)

    assert told == {
        "test": {
            "day": later().date().isoformat(),
            "finished": True,
            "compared": 1,
            "differences": {"status": 1},
            "repaired": {"status": 1},
        }
    }
