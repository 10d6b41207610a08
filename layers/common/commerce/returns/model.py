"""What a return is, and the only ways it may move (contract 7, RT-01…08).

pending ──► approved ──► (partially_received ──►) received ──► refunded ──► closed
   ├──► rejected  │
   └──────────────┴──► cancelled

A return claims units of its order's lines while it is on its way, so that no unit is in two returns. Each unit that was
approved is accounted for once: restocked, put aside, thrown away, or missing. Only what came back is refunded; what is
missing can be returned again.
"""

import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from commerce.kernel.errors import Conflict, IllegalMove, Invalid
from commerce.kernel.money import Money
from commerce.refunds.model import Method


class ReturnStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    REFUNDED = "refunded"
    CLOSED = "closed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


MOVES: dict[ReturnStatus, frozenset[ReturnStatus]] = {
    ReturnStatus.PENDING: frozenset({ReturnStatus.APPROVED, ReturnStatus.REJECTED, ReturnStatus.CANCELLED}),
    ReturnStatus.APPROVED: frozenset({ReturnStatus.PARTIALLY_RECEIVED, ReturnStatus.RECEIVED, ReturnStatus.CANCELLED}),
    ReturnStatus.PARTIALLY_RECEIVED: frozenset({ReturnStatus.RECEIVED}),
    ReturnStatus.RECEIVED: frozenset({ReturnStatus.REFUNDED}),
    ReturnStatus.REFUNDED: frozenset({ReturnStatus.CLOSED}),
    ReturnStatus.CLOSED: frozenset(),
    ReturnStatus.REJECTED: frozenset(),
    ReturnStatus.CANCELLED: frozenset(),
}
FINAL = frozenset(status for status, moves in MOVES.items() if not moves)
_AWAITED = frozenset({ReturnStatus.APPROVED, ReturnStatus.PARTIALLY_RECEIVED})  # at the warehouse
NEVER_RECEIVED = "never_received"  # why a return ends of which nothing came back
OTHERWISE = "refunded_otherwise"  # why one ends whose refund failed: the money went back by another way
UNDECIDED = "undecided"  # why a return is rejected about which nobody decided in time
_RMA_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: what people type is what was printed


def rma_number() -> str:
    """A fresh number for a parcel that comes back, such as ``RMA-7K3M-9Q2X``."""
    drawn = "".join(secrets.choice(_RMA_ALPHABET) for _ in range(8))
    return f"RMA-{drawn[:4]}-{drawn[4:]}"


class Disposition(StrEnum):
    """What becomes of a unit that came back (contract RT-04); ``MISSING`` did not."""

    RESTOCK = "restock"
    QUARANTINE = "quarantine"
    DISCARD = "discard"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Receipt:
    """``quantity`` units of a line as they were found; ``warehouse_id`` is where they go back on sale."""

    line_id: str
    quantity: int
    disposition: Disposition
    condition: str | None = None
    warehouse_id: str | None = None

    @classmethod
    def from_document(cls, document: list[Any]) -> "Receipt":
        line_id, quantity, disposition, condition, warehouse_id = document
        return cls(line_id, quantity, Disposition(disposition), condition, warehouse_id)

    @property
    def document(self) -> list[Any]:
        return [self.line_id, self.quantity, str(self.disposition), self.condition, self.warehouse_id]


@dataclass(frozen=True, slots=True)
class ReturnItem:
    """``quantity`` units of an order's line that somebody wants to return; what they are, that line says."""

    line_id: str
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a return: each version of it has one. ``status`` is what it was then."""

    version: int
    at: datetime
    actor: str
    what: str
    status: ReturnStatus
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Return:
    """``deadline`` is when somebody else decides: on the request, or on what did not arrive.

    ``refund`` is what goes back, as it was quoted last, then as it was given; ``refund_id`` the refund that gives it,
    the newest where one failed. ``version`` counts changes, ``sequence`` the events told of them.
    """

    return_id: str
    order_id: str
    customer_id: str
    rma_number: str
    items: tuple[ReturnItem, ...]
    method: Method
    status: ReturnStatus
    requested_at: datetime
    updated_at: datetime
    deadline: datetime | None
    refund: Money
    receipts: tuple[Receipt, ...] = ()
    refund_id: str | None = None
    ended_because: str | None = None
    version: int = 1
    sequence: int = 0

    @property
    def reason(self) -> str:
        """The reason of all items, or ``mixed`` (contract RT-01)."""
        reasons = {item.reason for item in self.items}
        return reasons.pop() if len(reasons) == 1 else "mixed"

    @property
    def came_back(self) -> dict[str, int]:
        """The units that came back, by line: what is refunded."""
        return _units(self.receipts) - self.missing

    @property
    def open_units(self) -> dict[str, int]:
        """The units that are not accounted for yet, by line."""
        return _units(self.items) - _units(self.receipts)

    @property
    def refundable(self) -> dict[str, int]:
        """The units that are refunded as far as is known, by line: what came back, before that what is to come."""
        return self.came_back or (self.open_units if self.claimed else {})

    @property
    def is_approved(self) -> bool:
        """Whether goods may be sent back, so that its number is told."""
        return self.status not in (ReturnStatus.PENDING, ReturnStatus.REJECTED, ReturnStatus.CANCELLED)

    @property
    def has_label(self) -> bool:
        """Whether its label is still of use to somebody."""
        return self.is_approved and self.status not in FINAL

    @property
    def claimed(self) -> dict[str, int]:
        """The units of the order's lines that no other return may take, by line."""
        ended = self.status in (ReturnStatus.REJECTED, ReturnStatus.CANCELLED)
        return {} if ended else _units(self.items) - self.missing

    def move_to(
        self, target: ReturnStatus, *, deadline: datetime | None = None, because: str | None = None
    ) -> "Return":
        """The same return in ``target``.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if target not in MOVES[self.status]:
            raise IllegalMove(f"A return that is {self.status} cannot become {target}")
        return replace(self, status=target, deadline=deadline, ended_because=because)

    def receive(self, receipts: Iterable[Receipt]) -> "Return":
        """The same return after units were accounted for: received once all are, cancelled where none came back.

        Raises:
            IllegalMove: it does not wait for units.
            Invalid: a line that is not returned, or no units.
            Conflict: more units than were approved and are not accounted for.
        """
        if self.status not in _AWAITED:
            raise IllegalMove(f"A return that is {self.status} receives nothing")
        new = tuple(receipts)
        self._require_expected(new)
        after = replace(self, receipts=self.receipts + new)
        if not after.open_units:
            back = bool(after.came_back)
            return (
                after.move_to(ReturnStatus.RECEIVED)
                if back
                else after.move_to(ReturnStatus.CANCELLED, because=NEVER_RECEIVED)
            )
        begins = after.came_back and after.status is ReturnStatus.APPROVED
        return after.move_to(ReturnStatus.PARTIALLY_RECEIVED, deadline=self.deadline) if begins else after

    def close_receipt(self) -> "Return":
        """The same return where nothing more is waited for: what is not accounted for is missing.

        Raises:
            IllegalMove: it does not wait for units.
        """
        missing = [Receipt(line_id, units, Disposition.MISSING) for line_id, units in self.open_units.items()]
        return self.receive(missing)

    def changed(self, at: datetime, **changes: Any) -> "Return":
        """The same return one version on, with ``changes``. A use case calls it once, before saving."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)

    def _require_expected(self, receipts: tuple[Receipt, ...]) -> None:
        if not receipts:
            raise Invalid("Say what was received", field="items", reason="empty")
        expected = {item.line_id for item in self.items}
        for index, receipt in enumerate(receipts):
            if receipt.line_id not in expected:
                raise Invalid("The return has no such item", field=f"items.{index}", reason="unknown_line")
            if receipt.quantity < 1:
                raise Invalid("Receive one unit or more", field=f"items.{index}.quantity", reason="bad_quantity")
        for line_id, units in _units(receipts).items():
            left = self.open_units.get(line_id, 0)
            if left < units:
                raise Conflict(
                    f"{left} units of {line_id} are expected; more that came need a return of their own",
                    field="items",
                    reason="exceeds_approved",
                )

    @property
    def missing(self) -> Counter[str]:
        return _units(receipt for receipt in self.receipts if receipt.disposition is Disposition.MISSING)


def _units(parts: Iterable[ReturnItem | Receipt]) -> Counter[str]:
    """How many units these are of each line."""
    units: Counter[str] = Counter()
    for part in parts:
        units[part.line_id] += part.quantity
    return units
