"""A customer's cart. It knows products and quantities; prices are the catalogue's whenever it is looked at.

open (version n) ──items change──► open (version n+1) ──checkout──► a new, empty cart
"""

from dataclasses import dataclass, replace
from datetime import datetime

from commerce.gift_cards.model import AppliedCard
from commerce.kernel.errors import Invalid, NotFound
from commerce.kernel.limits import MAX_LINES
from commerce.kernel.money import Money
from commerce.orders.model import Address

MAX_QUANTITY = 10_000
MAX_GIFT_CARD_ITEMS = 10  # each becomes three writes of the transaction that settles the order


@dataclass(frozen=True, slots=True)
class CartItem:
    item_id: str
    product_id: str
    variant_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class GiftCardItem:
    """A gift card to be bought for somebody; it is issued and mailed when the order is paid."""

    item_id: str
    amount: Money
    recipient_email: str
    recipient_name: str | None = None
    sender_name: str | None = None
    message: str | None = None
    design: str | None = None


@dataclass(frozen=True, slots=True)
class Cart:
    """``version`` 0 is a cart that was never written.

    ``store_credit`` is what store credit pays, as the customer was last told; None where none is to be used. It is
    computed anew with every change of the cart.
    """

    cart_id: str
    customer_id: str
    items: tuple[CartItem, ...]
    updated_at: datetime
    version: int = 0
    gift_card_items: tuple[GiftCardItem, ...] = ()
    gift_cards: tuple[AppliedCard, ...] = ()
    store_credit: Money | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_option: str | None = None
    coupons: tuple[str, ...] = ()  # codes

    @property
    def is_empty(self) -> bool:
        return not self.items and not self.gift_card_items

    def with_gift_card_item(self, item: GiftCardItem) -> "Cart":
        """Put a gift card to be bought into the cart."""
        if len(self.gift_card_items) >= MAX_GIFT_CARD_ITEMS:
            raise Invalid(
                f"A cart holds at most {MAX_GIFT_CARD_ITEMS} gift cards to buy",
                field="gift_card",
                reason="too_many_items",
            )
        return replace(self, gift_card_items=(*self.gift_card_items, item))

    def with_applied(self, card: AppliedCard) -> "Cart":
        """Let a gift card pay, with another amount if it does already."""
        others = tuple(each for each in self.gift_cards if each.redemption_id != card.redemption_id)
        return replace(self, gift_cards=(*others, card))

    def applied(self, redemption_id: str) -> AppliedCard:
        """A gift card that pays for the cart.

        Raises:
            NotFound: no such redemption in this cart.
        """
        for card in self.gift_cards:
            if card.redemption_id == redemption_id:
                return card
        raise NotFound("redemption")

    def with_coupon(self, code: str) -> "Cart":
        """Apply a coupon; the same one, in whatever case, counts once."""
        return replace(self, coupons=(*self._other_coupons(code), code))

    def without_coupon(self, code: str) -> "Cart":
        """Take a coupon off.

        Raises:
            NotFound: the cart has no such coupon.
        """
        others = self._other_coupons(code)
        if others == self.coupons:
            raise NotFound("coupon in this cart")
        return replace(self, coupons=others)

    def _other_coupons(self, code: str) -> tuple[str, ...]:
        return tuple(each for each in self.coupons if each.casefold() != code.casefold())

    def with_more(self, item_id: str, product_id: str, variant_id: str, quantity: int) -> "Cart":
        """Add units; the same variant again increments its item (contract CA-02)."""
        for item in self.items:
            if item.variant_id == variant_id:
                return self.with_quantity(item.item_id, item.quantity + quantity)
        if len(self.items) >= MAX_LINES:
            raise Invalid(f"A cart holds at most {MAX_LINES} different items", field="items", reason="too_many_items")
        return replace(self, items=(*self.items, CartItem(item_id, product_id, variant_id, quantity)))

    def with_quantity(self, item_or_product_id: str, quantity: int) -> "Cart":
        """Set an item's units; 0 removes it (contract CA-04).

        Raises:
            NotFound: the cart has no such item.
            Invalid: too many units.
        """
        bought = next((each for each in self.gift_card_items if each.item_id == item_or_product_id), None)
        if bought is not None:
            return self._without(bought, quantity)
        if quantity > MAX_QUANTITY:
            raise Invalid(f"At most {MAX_QUANTITY} of one item", field="quantity", reason="quantity_too_large")
        found = self.item(item_or_product_id)
        kept = tuple(replace(item, quantity=quantity) if item.item_id == found.item_id else item for item in self.items)
        return replace(self, items=tuple(item for item in kept if item.quantity > 0))

    def _without(self, bought: GiftCardItem, quantity: int) -> "Cart":
        if quantity > 1:
            raise Invalid("Each gift card is an item of its own", field="quantity", reason="quantity_too_large")
        kept = tuple(each for each in self.gift_card_items if quantity or each is not bought)
        return replace(self, gift_card_items=kept)

    def item(self, item_or_product_id: str) -> CartItem:
        """An item by its own id or by its product's.

        Raises:
            NotFound: the cart has no such item.
        """
        for item in self.items:
            if item_or_product_id in (item.item_id, item.product_id):
                return item
        raise NotFound("cart item")

    def changed(self, at: datetime) -> "Cart":
        """One version on."""
        return replace(self, updated_at=at, version=self.version + 1)
