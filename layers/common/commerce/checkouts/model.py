"""A checkout: a cart on its way to an order, and that order afterwards, seen in the same way (contract 5.3)."""

from dataclasses import dataclass
from datetime import date, datetime

from commerce.kernel.caller import ShippingOption
from commerce.kernel.money import Money, total
from commerce.orders.model import Address, AppliedDiscount, DiscountKind, OrderLine, SoldGiftCard


@dataclass(frozen=True, slots=True)
class Certificate:
    """A gift card that pays: ``used`` of the ``balance`` that it had."""

    serial: str
    issued_on: date
    balance: Money
    used: Money


@dataclass(frozen=True, slots=True)
class Checkout:
    """``checkout_id`` is the cart's; ``order_id`` is that of the order that became of it. Items and gift cards that are
    bought stand here as the order has them, or would have."""

    checkout_id: str
    customer_id: str
    email: str
    currency: str
    items: tuple[OrderLine, ...]
    gift_cards: tuple[SoldGiftCard, ...]
    discount: Money
    tax: Money
    shipping: Money
    certificates: tuple[Certificate, ...]
    store_credit: Money
    shipping_address: Address | None
    billing_address: Address | None
    discounts: tuple[AppliedDiscount, ...]
    shipping_options: tuple[ShippingOption, ...]
    chosen: ShippingOption | None
    created_at: datetime
    updated_at: datetime
    order_id: str | None = None

    @property
    def coupons(self) -> tuple[AppliedDiscount, ...]:
        return tuple(each for each in self.discounts if each.kind is DiscountKind.COUPON)

    @property
    def automatic(self) -> tuple[AppliedDiscount, ...]:
        return tuple(each for each in self.discounts if each.kind is DiscountKind.AUTOMATIC)

    @property
    def subtotal(self) -> Money:
        bought = [*(item.total for item in self.items), *(card.amount for card in self.gift_cards)]
        return total(bought, self.currency)

    @property
    def grand_total(self) -> Money:
        return self.subtotal - self.discount + self.tax + self.shipping

    @property
    def outstanding(self) -> Money:
        """What gift cards and store credit leave to be paid with money."""
        used = total([each.used for each in self.certificates], self.currency)
        return self.grand_total - used - self.store_credit
