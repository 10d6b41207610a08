"""Stock per variant and warehouse: on hand = available + reserved, and both never negative; alerts on how much is left.

received / adjusted   available += q, or available −= q          (a movement row tells why)
reserve               available −= q, reserved += q               (an order is placed)
release               reserved −= q, available += q               (it is cancelled or expires)
issue                 reserved −= q                               (it is shipped; a goods issue tells what left)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from commerce.kernel.errors import Conflict, Invalid

MAX_STOCK = 10**9


@dataclass(frozen=True, slots=True)
class StockKey:
    product_id: str
    variant_id: str
    warehouse_id: str


@dataclass(frozen=True, slots=True)
class Stock:
    """What one warehouse has of one variant, in units."""

    key: StockKey
    available: int
    reserved: int

    @property
    def on_hand(self) -> int:
        return self.available + self.reserved


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of what is on hand, and why. Movements are only ever added; their sum is what is on hand.

    ``reference`` names what it is part of, such as a job.
    """

    movement_id: str
    key: StockKey
    delta: int
    reason: str
    note: str | None
    at: datetime
    actor: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class GoodsIssue:
    """Reserved units leaving the warehouses for an order: one movement of all its lines, so that it is one row.

    What is on hand is the sum of the movements less the sum of what was issued.
    """

    issue_id: str
    order_id: str
    parts: tuple[tuple[StockKey, int], ...]
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """Units that one warehouse has set aside for one order line; ``shipped`` of them have left."""

    warehouse_id: str
    quantity: int
    shipped: int = 0

    @property
    def reserved(self) -> int:
        return self.quantity - self.shipped


def allocate(quantity: int, stocks: list[Stock], name: str) -> tuple[Allocation, ...]:
    """Where the units come from.

    Raises:
        Conflict: there are not enough.
    """
    allocations = allocate_up_to(quantity, stocks)
    found = sum(each.quantity for each in allocations)
    if found < quantity:
        raise insufficient(name, found)
    return allocations


def allocate_up_to(quantity: int, stocks: Sequence[Stock]) -> tuple[Allocation, ...]:
    """Where the units come from, as many as there are: one warehouse that has them all if there is one, else several,
    in their order."""
    for stock in stocks:
        if stock.available >= quantity:
            return (Allocation(stock.key.warehouse_id, quantity),)
    allocations = []
    missing = quantity
    for stock in stocks:
        taken = min(stock.available, missing)
        if taken > 0:
            allocations.append(Allocation(stock.key.warehouse_id, taken))
            missing -= taken
    return tuple(allocations)


def insufficient(name: str, available: int) -> Conflict:
    return Conflict(f"Only {available} of {name} available", field="quantity", reason="insufficient_stock")


def check_delta(delta: int) -> None:
    """Raise Invalid for a movement of nothing, or beyond any warehouse."""
    if delta == 0 or abs(delta) > MAX_STOCK:
        raise Invalid("quantity must be a change other than zero", field="quantity", reason="bad_quantity")


@dataclass(frozen=True, slots=True)
class Scope:
    """The stock that an alert watches: of one variant or all (None), in one warehouse or all (None), added up."""

    product_id: str
    variant_id: str | None = None
    warehouse_id: str | None = None

    def available(self, stocks: Iterable[Stock]) -> int:
        """Units available in this scope, out of all stock of its product."""
        return sum(
            stock.available
            for stock in stocks
            if self.variant_id in (None, stock.key.variant_id) and self.warehouse_id in (None, stock.key.warehouse_id)
        )


@dataclass(frozen=True, slots=True)
class Reorder:
    """How many units are to be ordered when stock is low, and from whom."""

    enabled: bool
    quantity: int
    supplier: str | None = None


class Level(StrEnum):
    """Where stock stands against an alert's threshold."""

    OK = "ok"
    LOW = "low"
    OUT_OF_STOCK = "out_of_stock"


class Crossing(StrEnum):
    """A line that stock has fallen below."""

    LOW = "low"
    OUT_OF_STOCK = "out_of_stock"


@dataclass(frozen=True, slots=True)
class Alert:
    """A threshold for the stock in one scope; there is at most one alert per scope.

    ``told`` are the crossings that stock has not recovered from: each is told of once, and again only after stock has
    risen above its line by the margin. So units that come and go around a line are one crossing and not many.
    ``sequence`` counts the events that told of them.
    """

    alert_id: str
    scope: Scope
    threshold: int
    reorder: Reorder | None
    told: frozenset[Crossing]
    created_at: datetime
    updated_at: datetime
    version: int = 1
    sequence: int = 0
    removed: bool = False

    @property
    def margin(self) -> int:
        """Units above a line at which stock counts as recovered: a tenth of the threshold, one at least."""
        return max(1, self.threshold // 10)

    @property
    def lines(self) -> dict[Crossing, int]:
        """The units that must be there for a crossing not to have happened."""
        return {Crossing.LOW: self.threshold, Crossing.OUT_OF_STOCK: 1}

    def level(self, available: int) -> Level:
        if available < self.lines[Crossing.OUT_OF_STOCK]:
            return Level.OUT_OF_STOCK
        return Level.LOW if available < self.threshold else Level.OK

    def seeing(self, available: int) -> "Alert":
        """The same alert after ``available`` units were seen. What is new in ``told`` has just been crossed."""
        below = {
            crossing
            for crossing, line in self.lines.items()
            if available < line + (self.margin if crossing in self.told else 0)
        }
        return replace(self, told=frozenset(below))
