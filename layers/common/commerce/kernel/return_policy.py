"""What a shop has decided about returns and refunds (contract 6.4, RT-01…08)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from commerce.kernel import wire_json
from commerce.kernel.errors import Invalid
from commerce.kernel.money import Money

MAX_WINDOW_DAYS = 3650
MAX_DECISION_DAYS = 90  # with the days until receipt well within a year, which is as long as a workflow lives
MAX_RECEIPT_DAYS = 180
MAX_GRACE_DAYS = 3650
MAX_ADDRESS_LINES = 6  # a label has room for no more
MAX_LINE = 100
MAX_RETURNS_BYTES = 1_536  # of what each request is told of the policy: the gateway keeps little of it
_PERCENT_PLACES = Decimal("0.01")


class Allocation(StrEnum):
    """Which of an order's sources a refund goes back to first (contract 6.4.3)."""

    PROPORTIONAL = "proportional"
    STORED_VALUE_FIRST = "stored_value_first"
    EXTERNAL_FIRST = "external_first"


@dataclass(frozen=True, slots=True)
class ReturnPolicy:
    """Amounts are in major units of the shop's currency.

    Attributes:
        window_days: how long after its delivery (else its shipping) customers may return an order; staff always may.
        approves_up_to: a customer's request that is worth no more is approved by itself; None approves none.
        decision_days: a request that nobody decides is rejected then.
        receipt_days: what has not come back this long after its approval is taken as missing.
        restocking_percent: kept of the price of the goods. ``return_shipping``: kept of each refund.
        refunds_shipping: shipping goes back with an order's last unit.
        refunds_on_receipt: what came back is refunded by itself, as soon as all of it is accounted for.
        grace_days: how long store credit is good for at least when some of an expired lot comes back.
        address: where goods are sent back to, as lines.
    """

    window_days: int = 30
    approves_up_to: Decimal | None = None
    decision_days: int = 14
    receipt_days: int = 30
    restocking_percent: Decimal = Decimal(0)
    return_shipping: Decimal | None = None
    refunds_shipping: bool = True
    refunds_on_receipt: bool = False
    allocation: Allocation = Allocation.PROPORTIONAL
    grace_days: int = 30
    address: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: dict[str, Any] | None) -> "ReturnPolicy":
        """Read what ``document`` wrote; a shop that never decided has the defaults."""
        if document is None:
            return cls()
        read: dict[str, Any] = {
            "approves_up_to": _amount(document["approves_up_to"]),
            "restocking_percent": Decimal(document["restocking_percent"]),
            "return_shipping": _amount(document["return_shipping"]),
            "allocation": Allocation(document["allocation"]),
            "address": tuple(document["address"]),
        }
        return cls(**(document | read))

    @property
    def document(self) -> dict[str, Any]:
        return {
            "window_days": self.window_days,
            "approves_up_to": self.approves_up_to,
            "decision_days": self.decision_days,
            "receipt_days": self.receipt_days,
            "restocking_percent": self.restocking_percent,
            "return_shipping": self.return_shipping,
            "refunds_shipping": self.refunds_shipping,
            "refunds_on_receipt": self.refunds_on_receipt,
            "allocation": str(self.allocation),
            "grace_days": self.grace_days,
            "address": list(self.address),
        }

    def require_valid(self, currency: str) -> None:
        """Raise Invalid for a decision that cannot be, naming its field. Once, when it is made."""
        for name, days, least, most in (
            ("window_days", self.window_days, 0, MAX_WINDOW_DAYS),
            ("decision_days", self.decision_days, 1, MAX_DECISION_DAYS),
            ("receipt_days", self.receipt_days, 1, MAX_RECEIPT_DAYS),
            ("grace_days", self.grace_days, 1, MAX_GRACE_DAYS),
        ):
            if not least <= days <= most:
                raise Invalid(f"{least} to {most} days", field=f"returns.{name}", reason="bad_days")
        for name, amount in (("approves_up_to", self.approves_up_to), ("return_shipping", self.return_shipping)):
            if amount is not None and Money.of_major(amount, currency, field=f"returns.{name}").minor < 0:
                raise Invalid("An amount is not negative", field=f"returns.{name}", reason="negative_amount")
        if not 0 <= self.restocking_percent <= 100:
            raise Invalid("0 to 100 percent", field="returns.restocking_percent", reason="bad_percent")
        if self.restocking_percent != self.restocking_percent.quantize(_PERCENT_PLACES):
            raise Invalid("Two decimal places", field="returns.restocking_percent", reason="too_many_decimal_places")
        if len(self.address) > MAX_ADDRESS_LINES or not all(map(_is_line, self.address)):
            raise Invalid(
                f"An address has at most {MAX_ADDRESS_LINES} lines of 1 to {MAX_LINE} printable characters",
                field="returns.address",
                reason="bad_address",
            )
        if len(wire_json.dumps(self.document).encode()) > MAX_RETURNS_BYTES:
            raise Invalid("Use a shorter address", field="returns.address", reason="too_large")


def _amount(value: Decimal | int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _is_line(text: str) -> bool:
    return 1 <= len(text) <= MAX_LINE and text.isprintable() and bool(text.strip())
