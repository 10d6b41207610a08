"""The cart on the wire (contract CA-01…05, CA-08)."""

from typing import Annotated

from pydantic import Field

from commerce.carts.pricing import PricedCart, PricedItem
from commerce.carts.use_cases import AddItem
from commerce.http.contracts import Id, Input, Major, Output, Quantity


class CartItemOut(Output):
    """``problem`` says why the item cannot be bought now (``not_for_sale``), null if it can."""

    id: str
    product_id: str
    variant_id: str
    name: str
    quantity: int
    unit_price: Major
    subtotal: Major
    problem: str | None

    @classmethod
    def of(cls, priced: PricedItem) -> "CartItemOut":
        return cls(
            id=priced.item.item_id,
            product_id=priced.item.product_id,
            variant_id=priced.item.variant_id,
            name=priced.name,
            quantity=priced.item.quantity,
            unit_price=priced.unit_price.major,
            subtotal=priced.subtotal.major,
            problem=priced.problem,
        )


class CartOut(Output):
    """Amounts are today's catalogue prices, computed each time the cart is read."""

    id: str
    items: list[CartItemOut]
    subtotal: Major
    discount: Major
    total: Major
    currency: str
    version: int

    @classmethod
    def of(cls, priced: PricedCart) -> "CartOut":
        return cls(
            id=priced.cart.cart_id,
            items=[CartItemOut.of(item) for item in priced.items],
            subtotal=priced.subtotal.major,
            discount=priced.discount.major,
            total=priced.total.major,
            currency=priced.currency,
            version=priced.cart.version,
        )


class AddItemIn(Input):
    product_id: Id
    quantity: Quantity
    variant_id: Annotated[Id, Field(description="Needed where the product has several variants")] | None = None

    def to_command(self) -> AddItem:
        return AddItem(product_id=self.product_id, quantity=self.quantity, variant_id=self.variant_id)


class SetQuantityIn(Input):
    quantity: Annotated[int, Field(strict=True, ge=0, le=10_000, description="0 removes the item")]
