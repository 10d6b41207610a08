"""When stock is low, when it is out, and how often that is told. No table is needed."""

import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from commerce.inventory.model import Alert, Crossing, Level, Scope, Stock, StockKey

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
LOW, OUT = Crossing.LOW, Crossing.OUT_OF_STOCK


def alert(threshold: int, *told: Crossing) -> Alert:
    return Alert("alert_1", Scope("prod_1"), threshold, None, frozenset(told), NOON, NOON)


def crossings(threshold: int, *levels: int) -> list[list[Crossing]]:
    """What is new at each level, one after the other."""
    watching, found = alert(threshold), []
    for available in levels:
        seen = watching.seeing(available)
        found.append(sorted(seen.told - watching.told))
        watching = seen
    return found


@pytest.mark.parametrize(
    ("scope", "available"),
    [
        (Scope("prod_1"), 15),
        (Scope("prod_1", variant_id="var_1"), 3),
        (Scope("prod_1", warehouse_id="wh_1"), 5),
        (Scope("prod_1", "var_2", "wh_2"), 8),
        (Scope("prod_1", "var_3"), 0),
    ],
)
def test_an_alert_adds_up_the_available_units_of_what_it_watches(scope: Scope, available: int) -> None:
    units = {("var_1", "wh_1"): 1, ("var_1", "wh_2"): 2, ("var_2", "wh_1"): 4, ("var_2", "wh_2"): 8}
    stocks = [Stock(StockKey("prod_1", *place), count, reserved=100) for place, count in units.items()]

    assert scope.available(stocks) == available


@pytest.mark.parametrize(
    ("threshold", "available", "level"),
    [
        (10, 11, Level.OK),
        (10, 10, Level.OK),
        (10, 9, Level.LOW),
        (10, 1, Level.LOW),
        (10, 0, Level.OUT_OF_STOCK),
        (1, 1, Level.OK),
        (1, 0, Level.OUT_OF_STOCK),
    ],
)
def test_stock_is_low_below_the_threshold_and_out_at_nothing(threshold: int, available: int, level: Level) -> None:
    assert alert(threshold).level(available) is level


@pytest.mark.parametrize(
    ("threshold", "levels", "told"),
    [
        (10, (12, 10, 9, 8, 1), [[], [], [LOW], [], []]),
        (10, (9, 10, 9, 10, 9), [[LOW], [], [], [], []]),  # to and fro at the line
        (10, (9, 11, 9), [[LOW], [], [LOW]]),  # recovered by the margin in between
        (10, (50, 0), [[], [LOW, OUT]]),
        (10, (5, 0, 1, 0, 2, 0), [[LOW], [OUT], [], [], [], [OUT]]),
        (10, (0, 50, 0), [[LOW, OUT], [], [LOW, OUT]]),
        (100, (99, 100, 109, 99, 110, 99), [[LOW], [], [], [], [], [LOW]]),
        (1, (1, 0, 1, 0, 2, 0), [[], [LOW, OUT], [], [], [], [LOW, OUT]]),
    ],
)
def test_a_crossing_is_told_once_until_stock_has_recovered(
    threshold: int, levels: tuple[int, ...], told: list[list[Crossing]]
) -> None:
    assert crossings(threshold, *levels) == told


@pytest.mark.parametrize("seed", range(20))
def test_between_two_tellings_stock_was_above_the_line_by_the_margin(seed: int) -> None:
    rng = random.Random(seed)
    threshold = rng.choice([1, 2, 10, 35, 100])
    levels = [rng.randint(0, threshold * 2 + 2) for _ in range(500)]

    told = crossings(threshold, *levels)

    for crossing, line in alert(threshold).lines.items():
        times = [index for index, new in enumerate(told) if crossing in new]
        assert all(levels[index] < line for index in times)
        for first, second in pairwise(times):
            assert max(levels[first:second]) >= line + alert(threshold).margin


def test_seeing_the_same_units_again_tells_nothing() -> None:
    for available in range(15):
        seen = alert(10, LOW).seeing(available)
        assert seen.seeing(available) == seen
