"""Carts in the table (pattern B1): one row per customer."""

from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.carts.model import Cart, CartItem
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import StaleWrite
from commerce.table import keys
from commerce.table.reading import get
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

_KEEP_SECONDS = 90 * 24 * 3600  # an untouched cart


class CartRow(Row, discriminator="cart"):
    audited: ClassVar[str] = "cart"

    cart_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    items = DocumentAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_cart(self) -> Cart:
        return Cart(
            cart_id=self.cart_id,
            customer_id=self.customer_id,
            items=tuple(CartItem(*each) for each in self.items),
            updated_at=self.updated_at,
            version=int(self.version),
        )


def find(tenant: Tenant, customer_id: str) -> Cart | None:
    """The customer's cart (B1)."""
    return cart_in(get(keys.cart(tenant, customer_id)))


def of_caller(caller: Caller) -> Cart:
    """The calling customer's cart; a new, empty one for who never had any (B1)."""
    customer_id = caller.own_customer_id
    found = find(caller.tenant, customer_id)
    return found or Cart(cart_id=ids.new("cart"), customer_id=customer_id, items=(), updated_at=clock.now())


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
        updated_at=cart.updated_at,
        version=cart.version,
        ttl=int(cart.updated_at.timestamp()) + _KEEP_SECONDS,
    )
    unchanged: Any = CartRow.pk.does_not_exist() if cart.version == 1 else CartRow.version == cart.version - 1
    tx.put(row, unchanged, StaleWrite("cart"))


def _document(item: CartItem) -> list[str | int]:
    return [item.item_id, item.product_id, item.variant_id, item.quantity]
