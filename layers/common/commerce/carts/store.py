"""Carts in the table (patterns B1, B2): one row per customer, and one that leads from a cart's id to it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.carts.model import Cart, CartItem, GiftCardItem
from commerce.catalog import store as catalog
from commerce.catalog.model import Product
from commerce.gift_cards.model import AppliedCard
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import StaleWrite
from commerce.kernel.money import Money
from commerce.orders.model import Address
from commerce.promotions import store as promotions
from commerce.promotions.store import Offers
from commerce.table import keys
from commerce.table.reading import get, get_all
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction

_KEEP_SECONDS = 90 * 24 * 3600  # an untouched cart
_KEEP_CHECKOUT_SECONDS = 400 * 24 * 3600  # longer than anybody keeps filling one cart


class CartRow(Row, discriminator="cart"):
    audited: ClassVar[str] = "cart"

    cart_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    items = DocumentAttribute()
    currency = UnicodeAttribute(null=True)  # of the amounts below, as all others in minor units
    gift_card_items = DocumentAttribute(null=True)
    gift_cards = DocumentAttribute(null=True)
    store_credit = NumberAttribute(null=True)
    shipping_address = DocumentAttribute(null=True)
    billing_address = DocumentAttribute(null=True)
    shipping_option = UnicodeAttribute(null=True)
    coupons = WordsAttribute(null=True)
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_cart(self) -> Cart:
        def amounts(documents: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
            return [each | {"amount": Money(each["amount"], self.currency)} for each in documents or []]

        return Cart(
            cart_id=self.cart_id,
            customer_id=self.customer_id,
            items=tuple(CartItem(*each) for each in self.items),
            updated_at=self.updated_at,
            version=int(self.version),
            gift_card_items=tuple(GiftCardItem(**each) for each in amounts(self.gift_card_items)),
            gift_cards=tuple(AppliedCard(**each) for each in amounts(self.gift_cards)),
            store_credit=None if self.store_credit is None else Money(int(self.store_credit), self.currency),
            shipping_address=Address(**self.shipping_address) if self.shipping_address else None,
            billing_address=Address(**self.billing_address) if self.billing_address else None,
            shipping_option=self.shipping_option,
            coupons=tuple(self.coupons or ()),
        )


class CheckoutRow(Row, discriminator="checkout"):
    """Whose cart it is, and which order became of it."""

    customer_id = UnicodeAttribute()
    order_id = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class KnownCheckout:
    """A cart by its id: whose it is, and the order that became of it, if one did."""

    cart_id: str
    customer_id: str
    order_id: str | None


def find(tenant: Tenant, customer_id: str) -> Cart | None:
    """The customer's cart (B1)."""
    return cart_in(get(keys.cart(tenant, customer_id)))


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a cart is priced by: products, by their ids, and what may take something off."""

    products: dict[str, Product] = field(default_factory=dict)
    offers: Offers = field(default_factory=Offers)


def shelf_for(tenant: Tenant, cart: Cart, *more: str) -> Shelf:
    """The products of a cart, ``more`` products, and the offers for its customer, in one read (P1, Z2)."""
    wanted = [keys.product(tenant, each) for each in (*(item.product_id for item in cart.items), *more)]
    if not wanted and not cart.coupons:
        return Shelf()
    rows = get_all([*wanted, *promotions.keys_of_offers(tenant, cart.customer_id, cart.coupons)])
    offers = promotions.offers_in(rows, tenant, cart.customer_id, cart.coupons)
    return Shelf(catalog.products_in(rows.values()), offers)


def of_caller(caller: Caller) -> Cart:
    """The calling customer's cart; a new, empty one for who never had any (B1)."""
    customer_id = caller.own_customer_id
    found = find(caller.tenant, customer_id)
    return found or Cart(cart_id=ids.new("cart"), customer_id=customer_id, items=(), updated_at=clock.now())


def find_checkout(tenant: Tenant, cart_id: str) -> KnownCheckout | None:
    """Whose cart it is (B2); None for one that nothing was ever put into."""
    row = get(keys.checkout(tenant, cart_id))
    return KnownCheckout(cart_id, row.customer_id, row.order_id) if isinstance(row, CheckoutRow) else None


def find_by_id(tenant: Tenant, cart_id: str) -> Cart | None:
    """A cart by its id, as long as it is its customer's present one (B2, B1)."""
    known = find_checkout(tenant, cart_id)
    cart = find(tenant, known.customer_id) if known is not None else None
    return cart if cart is not None and cart.cart_id == cart_id else None


def open_checkout(tx: Transaction, tenant: Tenant, cart: Cart) -> None:
    """Let the cart be found by its id (B2)."""
    _save_checkout(tx, tenant, cart, None)


def close_checkout(tx: Transaction, tenant: Tenant, cart: Cart, order_id: str) -> None:
    """Say which order became of a cart (B2)."""
    _save_checkout(tx, tenant, cart, order_id)


def _save_checkout(tx: Transaction, tenant: Tenant, cart: Cart, order_id: str | None) -> None:
    key = keys.checkout(tenant, cart.cart_id)
    ttl = int(cart.updated_at.timestamp()) + _KEEP_CHECKOUT_SECONDS
    tx.put(CheckoutRow(key.pk, key.sk, customer_id=cart.customer_id, order_id=order_id, ttl=ttl))


def cart_in(row: Row | None) -> Cart | None:
    return row.to_cart() if isinstance(row, CartRow) else None


def save(tx: Transaction, tenant: Tenant, cart: Cart) -> None:
    """Write the cart one version on (B1).

    Raises (at commit):
        StaleWrite: it changed since it was read.
    """
    key = keys.cart(tenant, cart.customer_id)
    row = CartRow(
        key.pk,
        key.sk,
        cart_id=cart.cart_id,
        customer_id=cart.customer_id,
        items=[_document(item) for item in cart.items],
        currency=tenant.currency,
        gift_card_items=_with_minor(cart.gift_card_items),
        gift_cards=_with_minor(cart.gift_cards),
        store_credit=None if cart.store_credit is None else cart.store_credit.minor,
        shipping_address=asdict(cart.shipping_address) if cart.shipping_address else None,
        billing_address=asdict(cart.billing_address) if cart.billing_address else None,
        shipping_option=cart.shipping_option,
        coupons=list(cart.coupons) or None,
        updated_at=cart.updated_at,
        version=cart.version,
        ttl=int(cart.updated_at.timestamp()) + _KEEP_SECONDS,
    )
    unchanged: Any = CartRow.pk.does_not_exist() if cart.version == 1 else CartRow.version == cart.version - 1
    tx.put(row, unchanged, StaleWrite("cart"))


def _document(item: CartItem) -> list[str | int]:
    return [item.item_id, item.product_id, item.variant_id, item.quantity]


def _with_minor(parts: Iterable[GiftCardItem | AppliedCard]) -> list[dict[str, Any]] | None:
    return [asdict(each) | {"amount": each.amount.minor} for each in parts] or None
