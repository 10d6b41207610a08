"""What a customer does with a checkout (contract CK-01…05, SC-03, SC-04): it is their cart, named by its own id."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from commerce.carts import checkout, coupons, pricing, tenders
from commerce.carts import store as carts
from commerce.carts import use_cases as cart_use_cases
from commerce.carts.model import Cart
from commerce.carts.pricing import PricedCart
from commerce.carts.tenders import ApplyGiftCard
from commerce.carts.use_cases import AddGiftCard, AddItem
from commerce.checkouts.model import Certificate, Checkout
from commerce.customers import store as customers
from commerce.gift_cards import serials
from commerce.gift_cards import store as cards
from commerce.gift_cards.model import GiftCard
from commerce.kernel import ids
from commerce.kernel.caller import Caller, ShippingOption, Tenant
from commerce.kernel.errors import Conflict, Invalid, NotFound
from commerce.kernel.money import Money, total
from commerce.kernel.periods import day_of
from commerce.orders import store as orders
from commerce.orders.model import Address, Order, OrderLine, SoldGiftCard, Tender, TenderKind
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SetConsignment:
    """Where everything goes, and how; None stays as it is."""

    address: Address | None = None
    shipping_option: str | None = None


def find(caller: Caller, checkout_id: str) -> Checkout:
    """A checkout at today's prices, or what its order says once there is one (contract CK-01).

    Raises:
        NotFound: no such checkout, or another customer's.
    """
    cart = carts.find(caller.tenant, caller.own_customer_id)
    if cart is not None and cart.cart_id == checkout_id:
        return _of_cart(caller, pricing.look(caller.tenant, cart))
    order_id = _order_of(caller, checkout_id)
    order = orders.find(caller.tenant, order_id) if order_id is not None else None
    if order is None:
        raise NotFound("checkout")
    return _of_order(caller.tenant, checkout_id, order)


def fill(tx: Transaction, caller: Caller, wanted: Iterable[AddItem | AddGiftCard]) -> Checkout:
    """Put things into the customer's cart, which is a checkout from its first item on (contract CK-02).

    Raises:
        What adding to a cart raises.
    """
    return _of_cart(caller, cart_use_cases.add(tx, caller, *wanted))


def apply_store_credit(tx: Transaction, caller: Caller, checkout_id: str) -> Checkout:
    """Let all of the customer's store credit pay, up to what there is to pay (contract SC-03).

    Raises:
        What ``_open`` does.
    """
    return _of_cart(caller, tenders.apply_store_credit(tx, caller.tenant, _open(caller, checkout_id)))


def remove_store_credit(tx: Transaction, caller: Caller, checkout_id: str) -> Checkout:
    """Use no store credit (contract SC-04).

    Raises:
        What ``_open`` does.
    """
    return _of_cart(caller, tenders.remove_store_credit(tx, caller.tenant, _open(caller, checkout_id)))


def apply_gift_card(tx: Transaction, caller: Caller, checkout_id: str, command: ApplyGiftCard) -> Checkout:
    """Let a gift card pay (contract CK-04).

    Raises:
        What ``_open`` and applying a gift card to a cart do.
    """
    _open(caller, checkout_id)
    return _of_cart(caller, tenders.apply_own(tx, caller, command).priced)


def remove_gift_card(tx: Transaction, caller: Caller, checkout_id: str, code: str) -> Checkout:
    """Take a gift card off again, named by its serial (contract CK-04).

    Raises:
        NotFound: it does not pay for this checkout. And what ``_open`` raises.
    """
    serial = serials.normalise(code)
    for applied in _open(caller, checkout_id).gift_cards:
        if applied.serial == serial:
            return _of_cart(caller, tenders.remove_own(tx, caller, applied.redemption_id))
    raise NotFound("gift certificate")


def apply_coupon(tx: Transaction, caller: Caller, checkout_id: str, code: str) -> Checkout:
    """Apply a coupon (contract CK-04).

    Raises:
        What ``_open`` and applying a coupon to a cart do.
    """
    return _of_cart(caller, coupons.apply(tx, caller.tenant, _open(caller, checkout_id), code))


def remove_coupon(tx: Transaction, caller: Caller, checkout_id: str, code: str) -> Checkout:
    """Take a coupon off again (contract CK-04).

    Raises:
        NotFound: it is not applied. And what ``_open`` raises.
    """
    return _of_cart(caller, coupons.remove(tx, caller.tenant, _open(caller, checkout_id), code))


def set_billing_address(tx: Transaction, caller: Caller, checkout_id: str, address: Address) -> Checkout:
    """Say who is billed (contract CK-05).

    Raises:
        What ``_open`` does.
    """
    return _save(tx, caller, replace(_open(caller, checkout_id), billing_address=address))


def set_consignment(tx: Transaction, caller: Caller, checkout_id: str, command: SetConsignment) -> Checkout:
    """Say where everything goes, and how (contract CK-05).

    Raises:
        Invalid: the shop does not ship so. And what ``_open`` raises.
    """
    cart = _open(caller, checkout_id)
    offered = {each.option_id for each in caller.tenant.checkout.shipping_options}
    if command.shipping_option is not None and command.shipping_option not in offered:
        raise Invalid("No such shipping option", field="shippingOptionId", reason="unknown_shipping_option")
    changed = replace(
        cart,
        shipping_address=command.address or cart.shipping_address,
        shipping_option=command.shipping_option or cart.shipping_option,
    )
    return _save(tx, caller, changed)


def place(tx: Transaction, caller: Caller, checkout_id: str) -> Checkout:
    """Turn a checkout into an order, exactly once (contract CK-03).

    Raises:
        Invalid: nothing is in it, or there is no address to send it to.
        Conflict: something is not available any more, or what was to pay has changed. And what ``_open`` raises.
    """
    cart = _open(caller, checkout_id)
    if cart.is_empty:
        raise Invalid("There is nothing in this checkout", field="lineItems", reason="cart_empty")
    order = checkout.complete(tx, caller, cart, checkout.Checkout())
    return _of_order(caller.tenant, checkout_id, order, placed_now=True)


def _save(tx: Transaction, caller: Caller, cart: Cart) -> Checkout:
    return _of_cart(caller, pricing.save(tx, caller.tenant, pricing.look(caller.tenant, cart)))


def _open(caller: Caller, checkout_id: str) -> Cart:
    """The cart of a checkout that is still open.

    Raises:
        NotFound: no such checkout, or another customer's.
        Conflict: it is an order already.
    """
    cart = carts.find(caller.tenant, caller.own_customer_id)
    if cart is not None and cart.cart_id == checkout_id:
        return cart
    if _order_of(caller, checkout_id) is not None:
        raise Conflict("This checkout is an order already", field="checkoutId", reason="checkout_completed")
    raise NotFound("checkout")


def _order_of(caller: Caller, checkout_id: str) -> str | None:
    """The order that became of the calling customer's checkout."""
    known = carts.find_checkout(caller.tenant, checkout_id)
    return known.order_id if known is not None and known.customer_id == caller.own_customer_id else None


def _of_cart(caller: Caller, priced: PricedCart) -> Checkout:
    tenant, cart = caller.tenant, priced.cart
    customer = customers.find(tenant, cart.customer_id)
    return Checkout(
        checkout_id=cart.cart_id,
        customer_id=cart.customer_id,
        email=customer.email if customer is not None else "",
        currency=priced.currency,
        items=tuple(
            OrderLine(
                line_id=each.item.item_id,
                product_id=each.item.product_id,
                variant_id=each.item.variant_id,
                sku=each.sku,
                name=each.name,
                quantity=each.item.quantity,
                unit_price=each.unit_price,
                discount=each.discount,
                tax=Money.zero(priced.currency),
            )
            for each in priced.items
        ),
        gift_cards=tuple(
            SoldGiftCard(
                line_id=each.item_id,
                amount=each.amount,
                recipient_email=each.recipient_email,
                recipient_name=each.recipient_name,
                sender_name=each.sender_name,
                message=each.message,
                design=each.design,
            )
            for each in cart.gift_card_items
        ),
        discount=priced.discount,
        discounts=priced.discounted.discounts,
        tax=Money.zero(priced.currency),
        shipping=priced.shipping,
        certificates=_held(tenant, priced),
        store_credit=priced.store_credit,
        shipping_address=cart.shipping_address,
        billing_address=cart.billing_address,
        shipping_options=tenant.checkout.shipping_options,
        chosen=_option(tenant, cart.shipping_option),
        created_at=ids.made_at(cart.cart_id),
        updated_at=cart.updated_at,
    )


def _held(tenant: Tenant, priced: PricedCart) -> tuple[Certificate, ...]:
    """The gift cards that pay for a cart. Together they pay no more than there is to pay, however much they hold."""
    left, certificates = priced.coverable, []
    for each in priced.gift_cards:
        used = min(each.amount, left)
        left = left - used
        if each.card is not None:
            certificates.append(_certificate(tenant, each.card, each.card.balance, used))
    return tuple(certificates)


def _of_order(tenant: Tenant, checkout_id: str, order: Order, *, placed_now: bool = False) -> Checkout:
    """``placed_now``: by a transaction that is not committed yet, so that cards have what they will be spent of."""
    credit = [each.remaining for each in order.tenders if each.kind is TenderKind.STORE_CREDIT]
    return Checkout(
        checkout_id=checkout_id,
        customer_id=order.buyer.customer_id,
        email=order.buyer.email,
        currency=order.currency,
        items=order.lines,
        gift_cards=order.gift_cards,
        discount=order.discount,
        discounts=order.discounts,
        tax=order.tax,
        shipping=order.shipping,
        certificates=_spent(tenant, order, placed_now=placed_now),
        store_credit=total(credit, order.currency),
        shipping_address=order.shipping_address,
        billing_address=order.billing_address,
        shipping_options=tenant.checkout.shipping_options,
        chosen=_option_named(tenant, order),
        created_at=ids.made_at(checkout_id),
        updated_at=order.updated_at,
        order_id=order.order_id,
    )


def _spent(tenant: Tenant, order: Order, *, placed_now: bool) -> tuple[Certificate, ...]:
    """The gift cards that paid for an order; what went back to them is not used any more."""
    own = [each for each in order.tenders if each.kind is TenderKind.GIFT_CARD]
    found = cards.find_all(tenant, [(each.source, each.tender_id) for each in own]).cards if own else {}

    def before(tender: Tender, card: GiftCard) -> Money:
        return card.balance if placed_now else card.balance + tender.remaining

    return tuple(
        _certificate(tenant, found[each.source], before(each, found[each.source]), each.remaining)
        for each in own
        if each.source in found
    )


def _certificate(tenant: Tenant, card: GiftCard, balance: Money, used: Money) -> Certificate:
    return Certificate(card.serial, day_of(card.created_at, tenant.timezone), balance, used)


def _option(tenant: Tenant, option_id: str | None) -> ShippingOption | None:
    return next((each for each in tenant.checkout.shipping_options if each.option_id == option_id), None)


def _option_named(tenant: Tenant, order: Order) -> ShippingOption | None:
    """How the order is shipped: it keeps the name and the cost, the shop may have changed its options since."""
    if order.shipping_method is None:
        return None
    offered = (each for each in tenant.checkout.shipping_options if each.name == order.shipping_method)
    known = next(offered, ShippingOption("", order.shipping_method))
    taken_off = total([each.shipping for each in order.discounts], order.currency)
    return replace(known, cost=(order.shipping + taken_off).minor)
