"""What a customer does with their cart."""

from dataclasses import dataclass, replace

from commerce.carts import store
from commerce.carts.model import Cart, CartItem
from commerce.catalog import store as catalog
from commerce.catalog.model import Product
from commerce.inventory import store as inventory
from commerce.inventory.model import StockKey, insufficient
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import CommerceError, Invalid
from commerce.kernel.money import Money, total
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item at the catalogue's price of now. ``problem`` tells why it cannot be bought, None if it can."""

    item: CartItem
    name: str
    unit_price: Money
    problem: str | None = None

    @property
    def subtotal(self) -> Money:
        return self.unit_price * self.item.quantity


@dataclass(frozen=True, slots=True)
class PricedCart:
    cart: Cart
    items: tuple[PricedItem, ...]
    currency: str

    @property
    def subtotal(self) -> Money:
        return total([item.subtotal for item in self.items], self.currency)

    @property
    def discount(self) -> Money:
        return Money.zero(self.currency)

    @property
    def total(self) -> Money:
        return self.subtotal - self.discount


@dataclass(frozen=True, slots=True)
class AddItem:
    product_id: str
    quantity: int
    variant_id: str | None = None


def look(caller: Caller) -> PricedCart:
    """The cart at today's prices; an empty one for a customer who never had one (contract CA-01)."""
    return _priced(caller.tenant, store.of_caller(caller))


def add_item(tx: Transaction, caller: Caller, command: AddItem) -> PricedCart:
    """Put units of a variant into the cart (contract CA-02). Availability is checked, not reserved.

    Raises:
        Invalid: no such product or variant, or the cart is full.
        Conflict: the product is not for sale, or fewer are available.
    """
    cart = store.of_caller(caller)
    products = _products(caller.tenant, cart, command.product_id)
    if command.product_id not in products:
        raise Invalid("No such product", field="product_id", reason="unknown_product")
    product = products[command.product_id]
    product.require_for_sale()
    variant = product.variant(command.variant_id)
    changed = cart.with_more(ids.new("item"), product.product_id, variant.variant_id, command.quantity)
    wanted = next(item for item in changed.items if item.variant_id == variant.variant_id)
    _require_available(caller.tenant, product, wanted)
    return _save(tx, caller, changed, products)


def set_quantity(tx: Transaction, caller: Caller, item_id: str, quantity: int) -> PricedCart:
    """Set an item's units, by its id or its product's; 0 removes it (contract CA-04, CA-05).

    Raises:
        NotFound: the cart has no such item.
        Conflict: fewer are available.
    """
    cart = store.of_caller(caller)
    changed = cart.with_quantity(item_id, quantity)
    products = _products(caller.tenant, cart)
    if quantity > cart.item(item_id).quantity:
        wanted = changed.item(item_id)
        if wanted.product_id in products:
            _require_available(caller.tenant, products[wanted.product_id], wanted)
    return _save(tx, caller, changed, products)


def clear(tx: Transaction, caller: Caller) -> PricedCart:
    """Empty the cart (contract CA-08)."""
    return _save(tx, caller, replace(store.of_caller(caller), items=()), {})


def _save(tx: Transaction, caller: Caller, cart: Cart, products: dict[str, Product]) -> PricedCart:
    changed = cart.changed(clock.now())
    store.save(tx, caller.tenant, changed)
    return _with_prices(caller.tenant, changed, products)


def _priced(tenant: Tenant, cart: Cart) -> PricedCart:
    return _with_prices(tenant, cart, _products(tenant, cart))


def _products(tenant: Tenant, cart: Cart, *more: str) -> dict[str, Product]:
    wanted = [*(item.product_id for item in cart.items), *more]
    return catalog.find_all(tenant, wanted) if wanted else {}


def _with_prices(tenant: Tenant, cart: Cart, products: dict[str, Product]) -> PricedCart:
    items = tuple(_priced_item(item, products[item.product_id]) for item in cart.items if item.product_id in products)
    return PricedCart(cart, items, tenant.currency)


def _priced_item(item: CartItem, product: Product) -> PricedItem:
    variant = product.variant(item.variant_id)
    try:
        product.require_for_sale()
    except CommerceError as refusal:
        return PricedItem(item, product.name, product.price_of(variant), refusal.reason)
    return PricedItem(item, product.name, product.price_of(variant))


def _require_available(tenant: Tenant, product: Product, item: CartItem) -> None:
    wanted = [StockKey(item.product_id, item.variant_id, warehouse) for warehouse in tenant.warehouses]
    available = sum(stock.available for stock in inventory.find_all(tenant, wanted).values())
    if available < item.quantity:
        raise insufficient(product.name, available)
