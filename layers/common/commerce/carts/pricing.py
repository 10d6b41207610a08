"""What a cart costs today, and who pays how much of it: computed whenever it is looked at."""

from dataclasses import dataclass, replace

from commerce.carts import store
from commerce.carts.model import Cart, CartItem
from commerce.catalog import store as catalog
from commerce.catalog.model import Product
from commerce.gift_cards.model import AppliedCard, GiftCard, Redemption
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import CommerceError
from commerce.kernel.money import Money, total
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item at the catalogue's price of now. ``problem`` tells why it cannot be bought, None if it can."""

    item: CartItem
    name: str
    sku: str
    unit_price: Money
    problem: str | None = None

    @property
    def subtotal(self) -> Money:
        return self.unit_price * self.item.quantity


@dataclass(frozen=True, slots=True)
class PayingCard:
    """A gift card that pays: ``amount`` now. ``problem`` tells why that is less than what was applied: ``released``
    (by its time, by the merchant, or for another cart), or ``not_usable``. ``card`` is None where it is gone."""

    applied: AppliedCard
    amount: Money
    card: GiftCard | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PricedCart:
    """``store_credit`` is what store credit pays now: zero where none is to be used, or there is none."""

    cart: Cart
    items: tuple[PricedItem, ...]
    currency: str
    shipping: Money
    gift_cards: tuple[PayingCard, ...] = ()
    available_credit: Money | None = None

    @property
    def sold_value(self) -> Money:
        """What the gift cards that are to be bought are worth."""
        return total([item.amount for item in self.cart.gift_card_items], self.currency)

    @property
    def subtotal(self) -> Money:
        return total([item.subtotal for item in self.items], self.currency) + self.sold_value

    @property
    def discount(self) -> Money:
        return Money.zero(self.currency)

    @property
    def total(self) -> Money:
        return self.subtotal - self.discount + self.shipping

    @property
    def coverable(self) -> Money:
        """What stored value may pay for."""
        return self.total - self.sold_value

    @property
    def paid_by_cards(self) -> Money:
        return min(total([card.amount for card in self.gift_cards], self.currency), self.coverable)

    @property
    def store_credit(self) -> Money:
        credit = self.available_credit or Money.zero(self.currency)
        return min(credit, self.coverable - self.paid_by_cards)

    @property
    def amount_due(self) -> Money:
        return self.total - self.paid_by_cards - self.store_credit


def look(tenant: Tenant, cart: Cart, products: dict[str, Product] | None = None) -> PricedCart:
    """The cart at today's prices, with what stored value pays of it. ``products`` are those that were read already.

    One read for the products, one for the cards that pay and one for the store credit, where there are any.
    """
    wanted = [item.product_id for item in cart.items]
    if products is None:
        products = catalog.find_all(tenant, wanted) if wanted else {}
    items = tuple(_priced(item, products[item.product_id]) for item in cart.items if item.product_id in products)
    return PricedCart(
        cart=cart,
        items=items,
        currency=tenant.currency,
        shipping=shipping_cost(tenant, cart),
        gift_cards=_paying(tenant, cart) if cart.gift_cards else (),
        available_credit=_credit(tenant, cart) if cart.store_credit is not None else None,
    )


def save(tx: Transaction, tenant: Tenant, priced: PricedCart) -> PricedCart:
    """Write a cart one version on, with what store credit pays for it now."""
    credit = priced.store_credit if priced.cart.store_credit is not None else None
    changed = replace(priced.cart, store_credit=credit).changed(clock.now())
    store.save(tx, tenant, changed)
    return replace(priced, cart=changed)


def with_held(priced: PricedCart, cart: Cart, card: GiftCard, redemption: Redemption) -> PricedCart:
    """The same cart with one more card that pays, without reading anything again."""
    known = {each.applied.redemption_id: each for each in priced.gift_cards}
    paying = tuple(
        PayingCard(each, redemption.amount, card)
        if each.redemption_id == redemption.redemption_id
        else known[each.redemption_id]
        for each in cart.gift_cards
    )
    return replace(priced, cart=cart, gift_cards=paying)


def shipping_cost(tenant: Tenant, cart: Cart) -> Money:
    """What the chosen way of shipping costs; nothing until one is chosen."""
    chosen = next((each for each in tenant.checkout.shipping_options if each.option_id == cart.shipping_option), None)
    return Money(chosen.cost, tenant.currency) if chosen is not None and cart.items else Money.zero(tenant.currency)


def _paying(tenant: Tenant, cart: Cart) -> tuple[PayingCard, ...]:
    from commerce.gift_cards import store as cards  # with the ledger, for carts that stored value pays for

    now, zero = clock.now(), Money.zero(tenant.currency)
    found = cards.find_all(tenant, [(each.serial, each.redemption_id) for each in cart.gift_cards])
    paying = []
    for each in cart.gift_cards:
        card, redemption = found.cards.get(each.serial), found.redemptions.get(each.redemption_id)
        if redemption is None or not redemption.is_live(now):
            paying.append(PayingCard(each, zero, card, "released"))
        elif card is None or not card.is_usable(now):
            paying.append(PayingCard(each, zero, card, "not_usable"))
        else:
            paying.append(PayingCard(each, redemption.amount, card))
    return tuple(paying)


def _credit(tenant: Tenant, cart: Cart) -> Money:
    from commerce.store_credit import store as credit
    from commerce.store_credit.model import available

    return available(credit.lots_of(tenant, cart.customer_id), tenant.currency, clock.now())


def _priced(item: CartItem, product: Product) -> PricedItem:
    variant = product.variant(item.variant_id)
    try:
        product.require_for_sale()
        problem = None
    except CommerceError as refusal:
        problem = refusal.reason
    return PricedItem(item, product.name, variant.sku, product.price_of(variant), problem)
