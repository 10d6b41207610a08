"""How much goes back for what, and where it goes: one plan for every door through which money leaves (contract 6.4).

A return, a cancellation, a refund of a payment and a refund onto a gift card all ask ``plan``. It reads nothing and
writes nothing, so a quote and the refund that follows it are the same call with the same answer.

What a line was sold for is frozen with it, its discount and its tax included. What a number of units gets back is
rounded over all units that went back so far: whichever way a line is divided into returns, the parts add up to what was
paid for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money, spread, total
from commerce.kernel.return_policy import Allocation


class SourceKind(StrEnum):
    """What paid for an order."""

    EXTERNAL = "external"  # the payment provider
    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"


class Method(StrEnum):
    """Where a refund is to go (contract RT-02)."""

    ORIGINAL_PAYMENT = "original_payment"
    STORE_CREDIT = "store_credit"  # a new lot
    GIFT_CARD = "gift_card"  # the cards that paid, as far as they did, and a new one for the rest


@dataclass(frozen=True, slots=True)
class LineRefund:
    """What ``units`` of a line get back: their price, less their part of the discount, plus their part of the tax."""

    line_id: str
    units: int
    price: Money
    discount: Money
    tax: Money

    @property
    def amount(self) -> Money:
        return self.price - self.discount + self.tax


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line as it was sold. ``price``, ``discount`` and ``tax`` are of all its units; ``refunded`` counts the units
    that were refunded already: they came back, or never left."""

    line_id: str
    quantity: int
    price: Money
    discount: Money
    tax: Money
    refunded: int = 0

    @property
    def paid(self) -> Money:
        return self.price - self.discount + self.tax

    def refund(self, units: int) -> LineRefund:
        """What the next ``units`` of the line get back.

        Raises:
            Conflict: fewer are left.
        """
        if not 0 < units <= self.quantity - self.refunded:
            raise Conflict(
                f"{self.quantity - self.refunded} units of this line are left to refund",
                field="items",
                reason="exceeds_line",
            )
        parts = [self._share(whole, units) for whole in (self.price, self.discount, self.tax)]
        return LineRefund(self.line_id, units, *parts)

    def _share(self, whole: Money, units: int) -> Money:
        return self._up_to(whole, self.refunded + units) - self._up_to(whole, self.refunded)

    def _up_to(self, whole: Money, units: int) -> Money:
        """What the first ``units`` of all get of ``whole``, half a minor unit rounded up; all of it at the end."""
        return Money((2 * whole.minor * units + self.quantity) // (2 * self.quantity), whole.currency)


@dataclass(frozen=True, slots=True)
class Source:
    """What paid a part of an order. ``refunded`` counts what is on its way back, too."""

    kind: SourceKind
    source_id: str
    paid: Money
    refunded: Money

    @property
    def remaining(self) -> Money:
        return self.paid - self.refunded


@dataclass(frozen=True, slots=True)
class Sale:
    """An order as far as refunds of it go.

    ``sources`` are in the order in which the plan names them: the payment, gift cards as they were redeemed, store
    credit. ``compensated`` was given back as new value, so that it is taken from none of them and yet counts; ``held``
    is in dispute with the payment provider, or lost in one. The payment provider gives back multiples of ``step`` minor
    units.
    """

    lines: tuple[SoldLine, ...]
    shipping: Money
    sources: tuple[Source, ...]
    shipping_refunded: Money
    compensated: Money
    held: Money
    step: int = 1

    @property
    def currency(self) -> str:
        return self.shipping.currency

    @property
    def ceiling(self) -> Money:
        """What can still go back for the whole order: never less than nothing."""
        zero = Money.zero(self.currency)
        of_sources = [
            max(each.remaining - self.held, zero) if each.kind is SourceKind.EXTERNAL else each.remaining
            for each in self.sources
        ]
        return max(total(of_sources, self.currency) - self.compensated, zero)

    def room(self, source: Source) -> Money:
        """What can still go back to a source."""
        held = self.held if source.kind is SourceKind.EXTERNAL else Money.zero(self.currency)
        return max(min(source.remaining - held, self.ceiling), Money.zero(self.currency))

    def beyond(self, amount: Money) -> Money:
        """What of an amount is too fine for the payment provider."""
        return Money(amount.minor % self.step, amount.currency)

    def room_of(self, sources: tuple[Source, ...]) -> Money:
        """What can still go back to several sources together."""
        return min(self.ceiling, total([self.room(each) for each in sources], self.currency))


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """What a shop keeps of a refund, and where it goes first. A fee is of the goods that come back, or a fixed sum."""

    restocking_percent: Decimal = Decimal(0)
    return_shipping: Money | None = None
    refunds_shipping: bool = True  # with the last unit of an order
    allocation: Allocation = Allocation.PROPORTIONAL


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What somebody wants back: ``units`` by line, or an ``amount``, or, with neither, all that is left.

    With ``units``, ``amount`` lowers what they are worth. ``source_id`` names the one source that it goes back to.
    """

    units: Mapping[str, int] = field(default_factory=dict)
    amount: Money | None = None
    method: Method = Method.ORIGINAL_PAYMENT
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What goes to one place: back to a source, or, with ``source_id`` None, onto new value of that kind."""

    kind: SourceKind
    source_id: str | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the explanation; the steps of a plan add up to its amount."""

    what: str
    amount: Money


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """What goes back, where, and why that much."""

    amount: Money
    parts: tuple[Part, ...]
    steps: tuple[Step, ...]
    lines: tuple[LineRefund, ...] = ()
    shipping: Money | None = None


def plan(sale: Sale, request: RefundRequest, policy: RefundPolicy) -> RefundPlan:
    """What ``request`` gives back of ``sale``, never above any ceiling.

    Raises:
        Conflict: nothing is left to refund, or not that many units of a line.
        Invalid: no such line or source; an amount of nothing, above what the units are worth, or above what is left.
    """
    targets = _targets(sale, request)
    room = sale.room_of(targets)
    if request.source_id is not None and targets[0].kind is SourceKind.EXTERNAL:
        room = room - sale.beyond(room)
        if request.amount is not None and sale.beyond(request.amount).minor:
            raise Invalid(
                f"The payment provider gives back multiples of {sale.step} minor units",
                field="amount",
                reason="too_many_decimal_places",
            )
    if not room.minor:
        raise Conflict("Nothing is left to refund", field="amount", reason="nothing_to_refund")
    if not request.units:
        amount = _asked(request.amount, room) if request.amount is not None else room
        why = Step("amount" if request.amount is not None else "everything", amount)
        return RefundPlan(amount, _split(sale, targets, amount, request.method, policy.allocation), (why,))
    lines = _lines(sale, request.units)
    shipping = _shipping(sale, request.units, policy)
    steps = [Step(f"line:{each.line_id}", each.amount) for each in lines]
    steps += [Step("shipping", shipping)] if shipping.minor else []
    steps += _fees(total([each.amount for each in lines], sale.currency), shipping, policy)
    worth = total([step.amount for step in steps], sale.currency)
    amount = min(worth, room)
    if amount < worth:
        steps.append(Step("left_to_refund", amount - worth))
    if request.amount is not None:
        lowered = _asked(request.amount, amount)
        steps += [Step("lowered", lowered - amount)] if lowered < amount else []
        amount = lowered
    parts = _split(sale, targets, amount, request.method, policy.allocation)
    return RefundPlan(amount, parts, tuple(steps), lines, shipping)


def _asked(asked: Money, most: Money) -> Money:
    if asked.currency != most.currency:
        raise Invalid(f"The order is in {most.currency}", field="currency", reason="currency_mismatch")
    if asked.minor <= 0 or most < asked:
        raise Invalid(
            f"{most.major} {most.currency} can be refunded", field="amount", reason="refund_exceeds_remaining"
        )
    return asked


def _targets(sale: Sale, request: RefundRequest) -> tuple[Source, ...]:
    if request.source_id is None:
        return sale.sources
    named = tuple(each for each in sale.sources if each.source_id == request.source_id)
    if not named:
        raise Invalid("This paid for nothing of the order", field="source_id", reason="unknown_source")
    return named


def _lines(sale: Sale, units: Mapping[str, int]) -> tuple[LineRefund, ...]:
    if not units.keys() <= {line.line_id for line in sale.lines}:
        raise Invalid("The order has no such line", field="items", reason="unknown_line")
    return tuple(line.refund(units[line.line_id]) for line in sale.lines if line.line_id in units)


def _shipping(sale: Sale, units: Mapping[str, int], policy: RefundPolicy) -> Money:
    """Shipping goes back with the last unit, by the shop's policy."""
    last = all(line.refunded + units.get(line.line_id, 0) == line.quantity for line in sale.lines)
    back = sale.shipping - sale.shipping_refunded
    return back if last and policy.refunds_shipping else Money.zero(sale.currency)


def _fees(goods: Money, shipping: Money, policy: RefundPolicy) -> list[Step]:
    """What the shop keeps, as amounts below zero; together never more than there is."""
    percent = policy.restocking_percent / 100
    restocking = Money(int((goods.minor * percent).quantize(Decimal(1), ROUND_HALF_EVEN)), goods.currency)
    asked = [("restocking_fee", restocking), ("return_shipping", policy.return_shipping or Money.zero(goods.currency))]
    steps, left = list[Step](), goods + shipping
    for what, fee in asked:
        kept = min(fee, left)
        left = left - kept
        steps += [Step(what, Money.zero(goods.currency) - kept)] if kept.minor else []
    return steps


def _split(
    sale: Sale, targets: tuple[Source, ...], amount: Money, method: Method, allocation: Allocation
) -> tuple[Part, ...]:
    """The places that ``amount`` goes to: each group of sources as far as it has room, proportionally within it, and
    what is left, or is too fine for the payment provider, onto new value."""
    shares, left = dict[str, Money](), amount
    for group in _groups(targets, method, allocation):
        share = min(left, sale.room_of(group))
        parts = spread(share, [sale.room(each).minor for each in group])
        for each, part in zip(group, parts, strict=True):
            fits = part - sale.beyond(part) if each.kind is SourceKind.EXTERNAL else part
            shares[each.source_id] = fits
            left = left - fits
    back = [Part(each.kind, each.source_id, shares[each.source_id]) for each in targets if each.source_id in shares]
    if left.minor:
        kind = SourceKind.GIFT_CARD if method is Method.GIFT_CARD else SourceKind.STORE_CREDIT
        back.append(Part(kind, None, left))
    return tuple(part for part in back if part.amount.minor)


def _groups(targets: tuple[Source, ...], method: Method, allocation: Allocation) -> list[tuple[Source, ...]]:
    """Which sources a refund goes back to, the first ones first."""
    external = tuple(each for each in targets if each.kind is SourceKind.EXTERNAL)
    stored_value = tuple(each for each in targets if each.kind is not SourceKind.EXTERNAL)
    if method is Method.STORE_CREDIT:
        return []
    if method is Method.GIFT_CARD:
        return [tuple(each for each in targets if each.kind is SourceKind.GIFT_CARD)]
    return {
        Allocation.PROPORTIONAL: [targets],
        Allocation.STORED_VALUE_FIRST: [stored_value, external],
        Allocation.EXTERNAL_FIRST: [external, stored_value],
    }[allocation]
