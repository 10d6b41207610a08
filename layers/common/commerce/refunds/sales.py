"""An order as far as refunds of it go: what the plan is made from."""

from decimal import Decimal

from commerce.kernel.money import Money, exponent, step
from commerce.kernel.return_policy import ReturnPolicy
from commerce.orders.model import Order, TenderKind
from commerce.refunds.model import RefundPolicy, Sale, SoldLine, Source, SourceKind

_KINDS = {TenderKind.GIFT_CARD: SourceKind.GIFT_CARD, TenderKind.STORE_CREDIT: SourceKind.STORE_CREDIT}


def sale_of(order: Order) -> Sale:
    """The order's lines, what paid for it, and what went back already; the payment first, then gift cards."""
    tenders = sorted(order.tenders, key=lambda tender: tender.kind is not TenderKind.GIFT_CARD)
    sources = [Source(_KINDS[each.kind], each.tender_id, each.amount, each.given_back) for each in tenders]
    if order.captured.minor and order.payment_intent_id is not None:
        back = order.refunded_outside + order.refunding
        sources.insert(0, Source(SourceKind.EXTERNAL, order.payment_intent_id, order.captured, back))
    return Sale(
        lines=tuple(
            SoldLine(line.line_id, line.quantity, line.total, line.discount, line.tax, line.refunded + line.given_up)
            for line in order.lines
        ),
        shipping=order.shipping,
        sources=tuple(sources),
        shipping_refunded=order.shipping_refunded,
        compensated=order.compensated,
        held=order.disputed,
        step=step(order.currency),
    )


def policy_of(policy: ReturnPolicy, currency: str) -> RefundPolicy:
    """A shop's policy, with its amounts in ``currency``."""
    fee = policy.return_shipping
    return RefundPolicy(
        restocking_percent=policy.restocking_percent,
        return_shipping=None if fee is None else _money(fee, currency),
        refunds_shipping=policy.refunds_shipping,
        allocation=policy.allocation,
    )


def _money(amount: Decimal, currency: str) -> Money:
    """An amount that was decided in the shop's currency; its places are the currency's, or fewer."""
    return Money(int(amount.scaleb(exponent(currency))), currency)
