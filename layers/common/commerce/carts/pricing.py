"""What a cart costs today, and who pays how much of it: computed whenever it is looked at."""

from dataclasses import dataclass, replace
from datetime import date

from commerce.carts import store
from commerce.carts.model import Cart, CartItem
from commerce.carts.store import Shelf
from commerce.catalog.model import Product
from commerce.gift_cards.model import AppliedCard, GiftCard, Redemption
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import CommerceError
from commerce.kernel.money import Money, total
from commerce.kernel.periods import day_of
from commerce.promotions.model import Discounted, Item, Shopper, discounted
from commerce.promotions.store import Offers
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item at the catalogue's price of now, and what is taken off it. ``problem`` tells why it cannot be bought,
    None if it can. ``waiting`` units of it would have to wait for stock, until ``expected_on`` where that is known."""

    item: CartItem
    name: str
    sku: str
    unit_price: Money
    discount: Money
    problem: str | None = None
    waiting: int = 0
    expected_on: date | None = None

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
    """``discounted`` is what is taken off, with the coupons that do not hold. ``store_credit`` is what store credit
    pays now: zero where none is to be used, or there is none."""

    cart: Cart
    items: tuple[PricedItem, ...]
    currency: str
    discounted: Discounted
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
        return self.discounted.amount

    @property
    def shipping(self) -> Money:
        return self.discounted.shipping

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


def look(tenant: Tenant, cart: Cart, shelf: Shelf | None = None) -> PricedCart:
    """The cart at today's prices, with what is taken off and what stored value pays of it. ``shelf`` is what was read
    already.

    One read for products and offers, and one where those ask for the customer's tags, for the cards that pay and for
    the store credit.
    """
    shelf = shelf or store.shelf_for(tenant, cart)
    found = [(item, shelf.products[item.product_id]) for item in cart.items if item.product_id in shelf.products]
    off = discounted(
        [_item(item, product) for item, product in found],
        shelf.offers.automatic,
        shelf.offers.coupons,
        _shopper(tenant, cart, shelf.offers),
        shipping_cost(tenant, cart),
        clock.now(),
    )
    items = [_priced(item, product, part) for (item, product), part in zip(found, off.parts, strict=True)]
    if any(product.may_wait for _, product in found):
        items = _foreseen(tenant, items, shelf.products)
    return PricedCart(
        cart=cart,
        items=tuple(items),
        currency=tenant.currency,
        discounted=off,
        gift_cards=_paying(tenant, cart) if cart.gift_cards else (),
        available_credit=_credit(tenant, cart) if cart.store_credit is not None else None,
    )


def _item(item: CartItem, product: Product) -> Item:
    price = product.price_of(product.variant(item.variant_id))
    return Item(item.product_id, item.variant_id, product.categories, item.quantity, price)


def _shopper(tenant: Tenant, cart: Cart, offers: Offers) -> Shopper:
    customer = None
    if offers.ask_for_tags:
        from commerce.customers import store as customers  # for shops with discounts for some of their customers

        customer = customers.find(tenant, cart.customer_id)
    return Shopper(customer.tags if customer is not None else (), offers.standing_orders, offers.uses)


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
    """What the chosen way of shipping costs, before discounts; nothing until one is chosen."""
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


def _priced(item: CartItem, product: Product, discount: Money) -> PricedItem:
    variant = product.variant(item.variant_id)
    try:
        product.require_for_sale()
        problem = None
    except CommerceError as refusal:
        problem = refusal.reason
    return PricedItem(item, product.name, variant.sku, product.price_of(variant), discount, problem)


def _foreseen(tenant: Tenant, items: list[PricedItem], products: dict[str, Product]) -> list[PricedItem]:
    """The same items with what of them would have to wait; one read of their stock."""
    from commerce.backorders import queueing  # for products that may be waited for

    today = day_of(clock.now(), tenant.timezone)
    wanted = [each for each in items if products[each.item.product_id].may_wait]
    waiting = queueing.foresee(
        tenant, [(each.item.product_id, each.item.variant_id, each.item.quantity) for each in wanted]
    )
    return [
        replace(
            each,
            waiting=waiting[each.item.variant_id],
            expected_on=products[each.item.product_id].expected_from(today),
        )
        if waiting.get(each.item.variant_id)
        else each
        for each in items
    ]
