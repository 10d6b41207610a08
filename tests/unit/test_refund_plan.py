"""One plan for every refund: what goes back for a line, a source and an order, to the last minor unit."""

import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money, spread
from commerce.kernel.return_policy import Allocation
from commerce.refunds.model import (
    Method,
    Part,
    RefundPlan,
    RefundPolicy,
    RefundRequest,
    Sale,
    SoldLine,
    Source,
    SourceKind,
    plan,
)
from tests.seeds import SEED

ORDERS = 2_000
CURRENCIES = ("JPY", "USD", "KWD")  # 0, 2 and 3 decimal places
KEEP_NOTHING = RefundPolicy()


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def sale_of(
    *lines: SoldLine, external: int = 0, cards: tuple[int, ...] = (), credit: int = 0, shipping: int = 0
) -> Sale:
    sources = [Source(SourceKind.EXTERNAL, "pi_1", usd(external), usd(0))] if external else []
    sources += [Source(SourceKind.GIFT_CARD, f"rdm_{n}", usd(amount), usd(0)) for n, amount in enumerate(cards, 1)]
    sources += [Source(SourceKind.STORE_CREDIT, "credit_1", usd(credit), usd(0))] if credit else []
    return Sale(lines, usd(shipping), tuple(sources), usd(0), usd(0), usd(0))


def line(quantity: int, price: int, *, discount: int = 0, tax: int = 0, line_id: str = "li_1") -> SoldLine:
    return SoldLine(line_id, quantity, usd(price * quantity), usd(discount), usd(tax))


def after(sale: Sale, planned: RefundPlan, units: dict[str, int]) -> Sale:
    """The sale once a plan was carried out."""
    back = {part.source_id: part.amount for part in planned.parts if part.source_id is not None}
    new = sum(part.amount.minor for part in planned.parts if part.source_id is None)
    return replace(
        sale,
        lines=tuple(replace(each, refunded=each.refunded + units.get(each.line_id, 0)) for each in sale.lines),
        sources=tuple(
            replace(each, refunded=each.refunded + back.get(each.source_id, Money.zero(sale.currency)))
            for each in sale.sources
        ),
        shipping_refunded=sale.shipping_refunded + (planned.shipping or Money.zero(sale.currency)),
        compensated=sale.compensated + Money(new, sale.currency),
    )


def any_sale(chance: random.Random) -> Sale:
    """An order with discounts, tax and shipping, paid in several ways."""
    currency = chance.choice(CURRENCIES)

    def money(minor: int) -> Money:
        return Money(minor, currency)

    lines = []
    for number in range(chance.randint(1, 5)):
        quantity, price = chance.randint(1, 7), chance.randint(1, 20_000)
        worth = quantity * price
        discount, tax = chance.choice([0, chance.randint(0, worth)]), chance.choice([0, chance.randint(0, worth // 4)])
        lines.append(SoldLine(f"li_{number}", quantity, money(worth), money(discount), money(tax)))
    shipping = chance.choice([0, chance.randint(1, 2_000)])
    whole = sum(each.paid.minor for each in lines) + shipping
    ways = [SourceKind.EXTERNAL, *[SourceKind.GIFT_CARD] * 4, *[SourceKind.STORE_CREDIT] * 3]
    kinds = sorted(chance.sample(ways, chance.randint(1, 8)), key=ways.index)
    paid = spread(money(whole), [chance.randint(1, 100) for _ in kinds])
    sources = tuple(
        Source(kind, f"source_{number}", amount, money(0))
        for number, (kind, amount) in enumerate(zip(kinds, paid, strict=True))
    )
    return Sale(tuple(lines), money(shipping), sources, money(0), money(0), money(0))


def any_partition(chance: random.Random, sale: Sale) -> list[dict[str, int]]:
    """All units of the sale, divided into returns in any way."""
    units = [each.line_id for each in sale.lines for _ in range(each.quantity)]
    chance.shuffle(units)
    returns = []
    while units:
        size = chance.randint(1, len(units))
        returns.append(dict(Counter(units[:size])))
        units = units[size:]
    return returns


def test_whichever_way_an_order_is_returned_what_was_paid_goes_back(capsys: pytest.CaptureFixture[str]) -> None:
    chance, returns, most = random.Random(SEED), 0, 0
    for _ in range(ORDERS):
        sold = sale = any_sale(chance)
        policy = RefundPolicy(allocation=chance.choice(list(Allocation)))
        by_line: Counter[str] = Counter()
        refunded = 0
        for units in any_partition(chance, sale):
            if not sale.ceiling.minor:
                break  # what is left was free
            request = RefundRequest(units)
            planned = plan(sale, request, policy)
            assert planned == plan(sale, request, policy), f"seed {SEED}"
            check(sale, planned)
            for each in planned.lines:
                by_line[each.line_id] += each.amount.minor
            refunded += planned.amount.minor
            sale, returns, most = after(sale, planned, units), returns + 1, max(most, len(planned.parts))

        assert refunded == sum(each.paid.minor for each in sold.sources), f"seed {SEED}"
        assert {each.line_id: by_line[each.line_id] for each in sold.lines} == {
            each.line_id: each.paid.minor for each in sold.lines
        }, f"seed {SEED}"
        assert all(each.remaining.minor == 0 for each in sale.sources), f"seed {SEED}"
    with capsys.disabled():
        print(f"\n  seed {SEED}: {ORDERS} orders in {returns} returns, over up to {most} sources at once")


def check(sale: Sale, planned: RefundPlan) -> None:
    """No plan goes above a ceiling, and each explains itself."""
    assert 0 <= planned.amount.minor <= sale.ceiling.minor, f"seed {SEED}"
    assert sum(part.amount.minor for part in planned.parts) == planned.amount.minor, f"seed {SEED}"
    assert sum(step.amount.minor for step in planned.steps) == planned.amount.minor, f"seed {SEED}"
    room = {each.source_id: sale.room(each).minor for each in sale.sources}
    for part in planned.parts:
        assert part.amount.minor > 0, f"seed {SEED}"
        assert part.source_id is None or part.amount.minor <= room[part.source_id], f"seed {SEED}"
    for each in planned.lines:
        assert each.amount.minor >= 0, f"seed {SEED}"


def test_refunds_of_every_kind_mixed_never_give_back_more_than_was_paid() -> None:
    chance = random.Random(SEED)
    for _ in range(ORDERS):
        sale = any_sale(chance)
        paid, refunded = sum(each.paid.minor for each in sale.sources), 0
        for returned in any_partition(chance, sale):
            if not sale.ceiling.minor:
                break
            policy = RefundPolicy(
                restocking_percent=Decimal(chance.choice([0, 0, 15, 100])),
                return_shipping=Money(chance.choice([0, 500]), sale.currency),
                refunds_shipping=chance.random() < 0.5,
                allocation=chance.choice(list(Allocation)),
            )
            amount = Money(chance.randint(1, sale.ceiling.minor), sale.currency)
            requests = [
                RefundRequest(returned, method=chance.choice(list(Method))),
                RefundRequest(amount=amount, method=chance.choice(list(Method))),
                RefundRequest(amount=amount, source_id=chance.choice(sale.sources).source_id),
            ]
            for request in chance.sample(requests, chance.randint(1, 3)):
                try:
                    planned = plan(sale, request, policy)
                except (Conflict, Invalid):
                    continue
                check(sale, planned)
                refunded += planned.amount.minor
                sale = after(sale, planned, dict(request.units))
                assert refunded == paid - sale.ceiling.minor, f"seed {SEED}"


def test_a_third_of_a_line_that_does_not_divide_adds_up_over_three_returns() -> None:
    sale = sale_of(line(3, 334, discount=2), external=1000)
    amounts = []
    for _ in range(3):
        planned = plan(sale, RefundRequest({"li_1": 1}), KEEP_NOTHING)
        amounts.append(planned.amount.minor)
        sale = after(sale, planned, {"li_1": 1})
    assert amounts == [333, 334, 333]


def test_shipping_goes_back_with_the_last_unit() -> None:
    sale = sale_of(line(2, 1000), external=2500, shipping=500)
    first = plan(sale, RefundRequest({"li_1": 1}), KEEP_NOTHING)
    last = plan(after(sale, first, {"li_1": 1}), RefundRequest({"li_1": 1}), KEEP_NOTHING)
    assert (first.amount, last.amount) == (usd(1000), usd(1500))
    assert [step.what for step in last.steps] == ["line:li_1", "shipping"]


def test_a_shop_that_keeps_shipping_keeps_it() -> None:
    sale = sale_of(line(1, 1000), external=1500, shipping=500)
    assert plan(sale, RefundRequest({"li_1": 1}), RefundPolicy(refunds_shipping=False)).amount == usd(1000)


def test_fees_are_kept_and_told_but_never_more_than_there_is() -> None:
    sale = sale_of(line(2, 1000), external=2000)
    policy = RefundPolicy(restocking_percent=Decimal("12.5"), return_shipping=usd(700))
    half = plan(sale, RefundRequest({"li_1": 1}), policy)
    assert half.amount == usd(175)
    told = [(step.what, step.amount.minor) for step in half.steps]
    assert told == [("line:li_1", 1000), ("restocking_fee", -125), ("return_shipping", -700)]
    nothing = plan(sale, RefundRequest({"li_1": 1}), replace(policy, return_shipping=usd(5000)))
    assert (nothing.amount, nothing.parts) == (usd(0), ())


@pytest.mark.parametrize(
    ("allocation", "expected"),
    [
        (Allocation.PROPORTIONAL, [("pi_1", 300), ("rdm_1", 200), ("credit_1", 100)]),
        (Allocation.STORED_VALUE_FIRST, [("rdm_1", 400), ("credit_1", 200)]),
        (Allocation.EXTERNAL_FIRST, [("pi_1", 600)]),
    ],
)
def test_the_shop_says_which_source_is_refunded_first(allocation: Allocation, expected: list[tuple[str, int]]) -> None:
    sale = sale_of(line(2, 600), external=600, cards=(400,), credit=200)
    planned = plan(sale, RefundRequest({"li_1": 1}), RefundPolicy(allocation=allocation))
    assert [(part.source_id, part.amount.minor) for part in planned.parts] == expected


def test_a_refund_as_store_credit_leaves_the_sources_alone_and_the_order_with_less_to_refund() -> None:
    sale = sale_of(line(2, 500), external=1000)
    planned = plan(sale, RefundRequest({"li_1": 1}, method=Method.STORE_CREDIT), KEEP_NOTHING)
    assert planned.parts == (Part(SourceKind.STORE_CREDIT, None, usd(500)),)
    rest = after(sale, planned, {"li_1": 1})
    assert rest.ceiling == usd(500)
    with pytest.raises(Invalid, match=r"5\.00 USD can be refunded"):
        plan(rest, RefundRequest(amount=usd(501), source_id="pi_1"), KEEP_NOTHING)


def test_a_refund_onto_gift_cards_fills_those_that_paid_and_then_a_new_one() -> None:
    sale = sale_of(line(1, 1000), external=400, cards=(450, 150))
    planned = plan(sale, RefundRequest({"li_1": 1}, method=Method.GIFT_CARD), KEEP_NOTHING)
    assert [(part.source_id, part.amount.minor) for part in planned.parts] == [
        ("rdm_1", 450),
        ("rdm_2", 150),
        (None, 400),
    ]


def test_all_that_is_left_goes_back_to_where_it_came_from() -> None:
    sale = sale_of(line(1, 1000), external=700, cards=(300,))
    first = plan(sale, RefundRequest(amount=usd(250), source_id="pi_1"), KEEP_NOTHING)
    rest = plan(after(sale, first, {}), RefundRequest(), KEEP_NOTHING)
    assert [(part.source_id, part.amount.minor) for part in rest.parts] == [("pi_1", 450), ("rdm_1", 300)]


def test_a_source_that_has_all_back_is_refunded_nothing_more_while_others_have_not() -> None:
    sale = sale_of(line(1, 1000), external=700, cards=(300,))
    rest = after(sale, plan(sale, RefundRequest(source_id="pi_1"), KEEP_NOTHING), {})
    with pytest.raises(Conflict, match="Nothing is left"):
        plan(rest, RefundRequest(source_id="pi_1"), KEEP_NOTHING)


def test_what_is_too_fine_for_the_payment_provider_is_new_store_credit() -> None:
    sale = replace(sale_of(line(3, 1000, discount=10), external=2990), step=10)  # 0.9966… a unit
    given: Counter[str | None] = Counter()
    for _ in range(3):
        planned = plan(sale, RefundRequest({"li_1": 1}), KEEP_NOTHING)
        given.update({part.source_id: part.amount.minor for part in planned.parts})
        sale = after(sale, planned, {"li_1": 1})
    assert given == {"pi_1": 2970, None: 20}
    assert sale.ceiling == usd(0)


def test_what_the_payment_provider_is_asked_for_by_name_is_what_it_can_give() -> None:
    sale = replace(sale_of(line(1, 1000), external=1000), step=10, compensated=usd(7))
    assert plan(sale, RefundRequest(source_id="pi_1"), KEEP_NOTHING).parts == (
        Part(SourceKind.EXTERNAL, "pi_1", usd(990)),
    )
    with pytest.raises(Invalid, match="multiples of 10") as refused:
        plan(sale, RefundRequest(amount=usd(333), source_id="pi_1"), KEEP_NOTHING)
    assert refused.value.reason == "too_many_decimal_places"


def test_what_is_in_dispute_is_not_refunded() -> None:
    sale = replace(sale_of(line(1, 1000), external=1000), held=usd(800))
    assert plan(sale, RefundRequest(), KEEP_NOTHING).amount == usd(200)
    with pytest.raises(Conflict, match="Nothing is left"):
        plan(replace(sale, held=usd(1000)), RefundRequest(), KEEP_NOTHING)


def test_a_return_after_an_amount_was_given_back_gets_what_is_left_and_says_so() -> None:
    sale = sale_of(line(2, 500), external=1000)
    sale = after(sale, plan(sale, RefundRequest(amount=usd(700)), KEEP_NOTHING), {})
    planned = plan(sale, RefundRequest({"li_1": 2}), KEEP_NOTHING)
    assert [(step.what, step.amount.minor) for step in planned.steps] == [("line:li_1", 1000), ("left_to_refund", -700)]
    assert planned.amount == usd(300)


def test_a_merchant_may_give_less_than_the_plan_says_and_not_more() -> None:
    sale = sale_of(line(1, 1000), external=1000)
    lowered = plan(sale, RefundRequest({"li_1": 1}, amount=usd(600)), KEEP_NOTHING)
    assert [(step.what, step.amount.minor) for step in lowered.steps] == [("line:li_1", 1000), ("lowered", -400)]
    with pytest.raises(Invalid):
        plan(sale, RefundRequest({"li_1": 1}, amount=usd(1001)), KEEP_NOTHING)


@pytest.mark.parametrize(
    ("request_", "refusal", "reason"),
    [
        (RefundRequest({"li_9": 1}), Invalid, "unknown_line"),
        (RefundRequest({"li_1": 3}), Conflict, "exceeds_line"),
        (RefundRequest({"li_1": 0}), Conflict, "exceeds_line"),
        (RefundRequest({"li_1": -1}), Conflict, "exceeds_line"),
        (RefundRequest(amount=usd(0)), Invalid, "refund_exceeds_remaining"),
        (RefundRequest(amount=usd(-5)), Invalid, "refund_exceeds_remaining"),
        (RefundRequest(amount=usd(1001)), Invalid, "refund_exceeds_remaining"),
        (RefundRequest(amount=Money(5, "EUR")), Invalid, "currency_mismatch"),
        (RefundRequest(source_id="pi_other"), Invalid, "unknown_source"),
    ],
)
def test_what_cannot_be_refunded_is_refused(
    request_: RefundRequest, refusal: type[Conflict | Invalid], reason: str
) -> None:
    with pytest.raises(refusal) as refused:
        plan(sale_of(line(2, 500), external=1000), request_, KEEP_NOTHING)
    assert refused.value.reason == reason


def test_an_amount_is_spread_exactly_and_to_nobody_beyond_their_weight() -> None:
    assert spread(usd(100), [1, 1, 1]) == [usd(34), usd(33), usd(33)]
    assert spread(usd(0), []) == []
    assert spread(usd(3), [0, 1, 2]) == [usd(0), usd(1), usd(2)]
    chance = random.Random(SEED)
    for _ in range(1_000):
        weights = [chance.randint(0, 50) for _ in range(chance.randint(1, 9))]
        amount = chance.randint(0, sum(weights))
        parts = [part.minor for part in spread(usd(amount), weights)]
        assert sum(parts) == amount, f"seed {SEED}"
        assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True)), f"seed {SEED}"
    for weights in ([-1, 2], [0, 0], []):
        with pytest.raises(ValueError, match="spread over weights"):
            spread(usd(1), weights)
