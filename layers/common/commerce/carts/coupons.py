"""Coupons at the cart (contract CA-06, CA-07, CK-04): applied here, used when the order is placed."""

from commerce.carts import pricing, store
from commerce.carts.model import Cart
from commerce.carts.pricing import PricedCart
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Conflict
from commerce.promotions.model import MAX_CODES, Refusal, id_of
from commerce.table.transaction import Transaction


def apply_own(tx: Transaction, caller: Caller, code: str) -> PricedCart:
    """Apply a coupon to the calling customer's cart.

    Raises:
        Conflict: it does not hold; the reason says why.
    """
    return apply(tx, caller.tenant, store.of_caller(caller), code)


def apply(tx: Transaction, tenant: Tenant, cart: Cart, code: str) -> PricedCart:
    """Apply a coupon to a cart. One that is applied already is judged again, and stays.

    Raises:
        Conflict: it does not hold; the reason says why.
    """
    changed = cart.with_coupon(code)
    if len(changed.coupons) > MAX_CODES:
        raise Conflict(
            f"At most {MAX_CODES} coupons go together; remove one", field="code", reason=str(Refusal.NOT_COMBINABLE)
        )
    priced = pricing.look(tenant, changed)
    for refused in priced.discounted.refused:
        if id_of(refused.code) == id_of(code):
            raise Conflict(refused.message, field="code", reason=str(refused.reason))
    return pricing.save(tx, tenant, priced)


def remove_own(tx: Transaction, caller: Caller, code: str) -> PricedCart:
    """Take a coupon off the calling customer's cart.

    Raises:
        NotFound: the cart has no such coupon.
    """
    return remove(tx, caller.tenant, store.of_caller(caller), code)


def remove(tx: Transaction, tenant: Tenant, cart: Cart, code: str) -> PricedCart:
    """Take a coupon off a cart.

    Raises:
        NotFound: the cart has no such coupon.
    """
    return pricing.save(tx, tenant, pricing.look(tenant, cart.without_coupon(code)))
