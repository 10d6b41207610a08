"""Stock per variant and warehouse: on hand = available + reserved, and both never negative.

received / adjusted   available += q, or available −= q          (a movement row tells why)
reserve               available −= q, reserved += q               (an order is placed)
release               reserved −= q, available += q               (it is cancelled or expires)
"""

from dataclasses import dataclass
from datetime import datetime

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
    """A change of what is on hand, and why. Movements are only ever added; their sum is what is on hand."""

    movement_id: str
    key: StockKey
    delta: int
    reason: str
    note: str | None
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """Units that one warehouse has set aside for one order line."""

    warehouse_id: str
    quantity: int


def allocate(quantity: int, stocks: list[Stock], name: str) -> tuple[Allocation, ...]:
    """Where the units come from: one warehouse that has them all if there is one, else several, in their order.

    Raises:
        Conflict: there are not enough.
    """
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
    if missing:
        raise insufficient(name, quantity - missing)
    return tuple(allocations)


def insufficient(name: str, available: int) -> Conflict:
    return Conflict(f"Only {available} of {name} available", field="quantity", reason="insufficient_stock")


def check_delta(delta: int) -> None:
    """Raise Invalid for a movement of nothing, or beyond any warehouse."""
    if delta == 0 or abs(delta) > MAX_STOCK:
        raise Invalid("quantity must be a change other than zero", field="quantity", reason="bad_quantity")
