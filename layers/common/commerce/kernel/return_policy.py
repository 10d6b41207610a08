"""What a shop has decided about returns and refunds (contract 6.4, RT-01…08)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


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
