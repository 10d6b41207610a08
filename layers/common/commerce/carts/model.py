"""A customer's cart. It knows products and quantities; prices are the catalogue's whenever it is looked at.

open (version n) ──items change──► open (version n+1) ──checkout──► a new, empty cart
"""

from dataclasses import dataclass, replace
from datetime import datetime

from commerce.kernel.errors import Invalid, NotFound
from commerce.kernel.limits import MAX_LINES

MAX_QUANTITY = 10_000


@dataclass(frozen=True, slots=True)
class CartItem:
    item_id: str
    product_id: str
    variant_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Cart:
    """``version`` 0 is a cart that was never written."""

    cart_id: str
    customer_id: str
    items: tuple[CartItem, ...]
    updated_at: datetime
    version: int = 0

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
        if quantity > MAX_QUANTITY:
            raise Invalid(f"At most {MAX_QUANTITY} of one item", field="quantity", reason="quantity_too_large")
        found = self.item(item_or_product_id)
        kept = tuple(replace(item, quantity=quantity) if item.item_id == found.item_id else item for item in self.items)
        return replace(self, items=tuple(item for item in kept if item.quantity > 0))

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
