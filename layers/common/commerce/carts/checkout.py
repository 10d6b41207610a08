"""From a cart to an order."""

from dataclasses import dataclass, replace

from commerce.carts import pricing, store
from commerce.carts.model import Cart, GiftCardItem
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller
from commerce.kernel.errors import Invalid
from commerce.orders.model import Address, Order, SoldGiftCard
from commerce.orders.placing import PlaceOrder, WantedItem, add, draft
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
        Conflict: an item is not for sale any more, or not available; a coupon does not hold any more; or what was to
            pay for it has changed.
    """
    cart = store.of_caller(caller)
    if cart.is_empty:
        raise Invalid("The cart is empty", field="items", reason="cart_empty")
    return complete(tx, caller, cart, command)


def complete(tx: Transaction, caller: Caller, cart: Cart, command: Checkout) -> Order:
    """Turn this cart, which is not empty, into an order.

    Raises:
        What ``checkout`` does.
    """
    tenant = caller.tenant
    chosen = next((each for each in tenant.checkout.shipping_options if each.option_id == cart.shipping_option), None)
    drafted = draft(
        caller,
        PlaceOrder(
            customer_id=cart.customer_id,
            items=tuple(WantedItem(item.product_id, item.variant_id, item.quantity) for item in cart.items),
            awaits_payment=True,
            shipping_address=command.shipping_address or cart.shipping_address,
            billing_address=command.billing_address or cart.billing_address,
            cart_id=cart.cart_id,
            shipping_method=chosen.name if chosen is not None and cart.items else None,
            shipping=pricing.shipping_cost(tenant, cart),
            gift_cards=tuple(_sold(item) for item in cart.gift_card_items),
            coupon_codes=cart.coupons,
        ),
    )
    if cart.gift_cards or cart.store_credit is not None:
        from commerce.orders import tendering  # and with it all of stored value, for carts that it pays for

        told = tendering.StoredValue(cart.gift_cards, cart.store_credit)
        drafted = replace(drafted, order=tendering.settle(tx, caller, drafted.order, told))
    order = add(tx, caller, drafted)
    emptied = Cart(ids.new("cart"), cart.customer_id, (), clock.now(), cart.version + 1)
    store.save(tx, tenant, emptied)
    store.close_checkout(tx, tenant, cart, order.order_id)
    if order.tenders:
        tendering.require_cancellable(tx, order)
    return order


def _sold(item: GiftCardItem) -> SoldGiftCard:
    return SoldGiftCard(
        line_id=ids.new("li"),
        amount=item.amount,
        recipient_email=item.recipient_email,
        recipient_name=item.recipient_name,
        sender_name=item.sender_name,
        message=item.message,
        design=item.design,
    )
