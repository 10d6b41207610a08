"""From a cart to an order."""

from dataclasses import dataclass, replace

from commerce.carts import store
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller
from commerce.kernel.errors import Invalid
from commerce.orders.model import Address, Order
from commerce.orders.placing import PlaceOrder, WantedItem, place
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Checkout:
    shipping_address: Address | None = None
    billing_address: Address | None = None


def checkout(tx: Transaction, caller: Caller, command: Checkout) -> Order:
    """Turn the cart into an order that waits for its payment, exactly once per cart (contract CA-03).

    The cart's version is a condition of the same transaction: of two checkouts at once one finds the cart changed,
    reads it again, and finds it empty.

    Raises:
        Invalid: the cart is empty, or there is no address.
        Conflict: an item is not for sale any more, or not available.
    """
    cart = store.of_caller(caller)
    if not cart.items:
        raise Invalid("The cart is empty", field="items", reason="cart_empty")
    order = place(
        tx,
        caller,
        PlaceOrder(
            customer_id=cart.customer_id,
            items=tuple(WantedItem(item.product_id, item.variant_id, item.quantity) for item in cart.items),
            awaits_payment=True,
            shipping_address=command.shipping_address,
            billing_address=command.billing_address,
            cart_id=cart.cart_id,
        ),
    )
    emptied = replace(cart, cart_id=ids.new("cart"), items=())
    store.save(tx, caller.tenant, emptied.changed(clock.now()))
    return order
