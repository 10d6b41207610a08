"""What a customer does with their cart."""

from dataclasses import dataclass, fields, replace

from commerce.carts import pricing, store
from commerce.carts.model import Cart, CartItem, GiftCardItem
from commerce.carts.pricing import PricedCart
from commerce.catalog.model import Product
from commerce.inventory import store as inventory
from commerce.inventory.model import StockKey, insufficient
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Invalid
from commerce.kernel.money import Money
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class AddItem:
    product_id: str
    quantity: int
    variant_id: str | None = None


@dataclass(frozen=True, slots=True)
class AddGiftCard:
    """A gift card to buy for somebody."""

    amount: Money
    recipient_email: str
    recipient_name: str | None = None
    sender_name: str | None = None
    message: str | None = None
    design: str | None = None


def look(caller: Caller) -> PricedCart:
    """The cart at today's prices; an empty one for a customer who never had one (contract CA-01)."""
    return pricing.look(caller.tenant, store.of_caller(caller))


def add(tx: Transaction, caller: Caller, *wanted: AddItem | AddGiftCard) -> PricedCart:
    """Put units of variants, or gift cards to buy, into the cart (contract CA-02, CK-02).

    Availability is checked, not reserved. Gift cards are issued and mailed when the order is paid.

    Raises:
        Invalid: no such product or variant, an amount that no gift card has, or the cart is full.
        Conflict: a product is not for sale, or fewer units are available.
    """
    cart = store.of_caller(caller)
    shelf = store.shelf_for(caller.tenant, cart, *(each.product_id for each in wanted if isinstance(each, AddItem)))
    changed = cart
    for each in wanted:
        if isinstance(each, AddGiftCard):
            changed = changed.with_gift_card_item(_gift_card(caller.tenant, each))
        else:
            changed = _with_item(caller.tenant, changed, each, shelf.products)
    return _save(tx, caller, changed, shelf, opened=cart.is_empty)


def _with_item(tenant: Tenant, cart: Cart, wanted: AddItem, products: dict[str, Product]) -> Cart:
    product = products.get(wanted.product_id)
    if product is None:
        raise Invalid("No such product", field="product_id", reason="unknown_product")
    product.require_for_sale()
    variant = product.variant(wanted.variant_id)
    changed = cart.with_more(ids.new("item"), product.product_id, variant.variant_id, wanted.quantity)
    item = next(item for item in changed.items if item.variant_id == variant.variant_id)
    _require_available(tenant, product, item)
    return changed


def _gift_card(tenant: Tenant, wanted: AddGiftCard) -> GiftCardItem:
    from commerce.gift_cards.issuing import IssueCard, require_issuable  # for those who buy gift cards
    from commerce.gift_cards.model import Funding

    card = IssueCard(wanted.amount, Funding.PAID, recipient_email=wanted.recipient_email, deliver=True)
    require_issuable(tenant, card, clock.now())
    return GiftCardItem(ids.new("item"), **{each.name: getattr(wanted, each.name) for each in fields(wanted)})


def set_quantity(tx: Transaction, caller: Caller, item_id: str, quantity: int) -> PricedCart:
    """Set an item's units, by its id or its product's; 0 removes it (contract CA-04, CA-05).

    Raises:
        NotFound: the cart has no such item.
        Conflict: fewer are available.
    """
    cart = store.of_caller(caller)
    changed = cart.with_quantity(item_id, quantity)
    shelf = store.shelf_for(caller.tenant, cart)
    before = next((each for each in cart.items if item_id in (each.item_id, each.product_id)), None)
    if before is not None and quantity > before.quantity:
        wanted = changed.item(item_id)
        if wanted.product_id in shelf.products:
            _require_available(caller.tenant, shelf.products[wanted.product_id], wanted)
    return _save(tx, caller, changed, shelf)


def clear(tx: Transaction, caller: Caller) -> PricedCart:
    """Empty the cart; what gift cards held for it is free again (contract CA-08)."""
    cart = store.of_caller(caller)
    if cart.gift_cards or cart.store_credit is not None:
        from commerce.carts import tenders  # and with it all of stored value, for carts that it pays for

        cart = tenders.release_all(tx, caller.tenant, cart)
    return _save(tx, caller, replace(cart, items=(), gift_card_items=(), coupons=()), store.Shelf())


def _save(
    tx: Transaction,
    caller: Caller,
    cart: Cart,
    shelf: store.Shelf,
    *,
    opened: bool = False,
) -> PricedCart:
    """Write the cart one version on; ``opened`` where it gets its first item."""
    saved = pricing.save(tx, caller.tenant, pricing.look(caller.tenant, cart, shelf))
    if opened:
        store.open_checkout(tx, caller.tenant, saved.cart)
    return saved


def _require_available(tenant: Tenant, product: Product, item: CartItem) -> None:
    """Raise Conflict where fewer units are available than the item has, and nobody may wait for more."""
    if product.may_wait:
        return
    wanted = [StockKey(item.product_id, item.variant_id, warehouse) for warehouse in tenant.warehouses]
    available = sum(stock.available for stock in inventory.find_all(tenant, wanted).values())
    if available < item.quantity:
        raise insufficient(product.name, available)
