"""Stored value at the cart: gift cards are held for it, store credit is counted in (contract CA-09, GC-06, SC-03).

What things cost does not change: ``total`` is what is bought, ``amount_due`` what is left to pay with money. Cards pay
first, then credit. A gift card that is bought is paid for with money.
"""

from dataclasses import dataclass, replace

from commerce.access.queries import find_tenant
from commerce.carts import pricing, store
from commerce.carts.model import Cart
from commerce.carts.pricing import PricedCart
from commerce.gift_cards import redeeming
from commerce.gift_cards import store as cards
from commerce.gift_cards.model import AppliedCard, GiftCard, Redemption
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Conflict, Invalid, NotFound
from commerce.kernel.limits import MAX_GIFT_CARDS
from commerce.kernel.money import Money
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ApplyGiftCard:
    """Serial and PIN as they were typed; ``amount`` None takes as much as the card can cover."""

    serial: str
    pin: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class AppliedGiftCard:
    """What came of it: the card and the redemption after it, and the cart with what is left to pay."""

    card: GiftCard
    redemption: Redemption
    priced: PricedCart


def apply_own(tx: Transaction, caller: Caller, command: ApplyGiftCard) -> AppliedGiftCard:
    """Let a gift card pay for the calling customer's cart (contract CA-09).

    Raises:
        What ``apply_public`` does.
    """
    mode, card = redeeming.possessed(caller.tenant.tenant_id, command.serial, command.pin)
    if mode is not caller.tenant.mode:
        raise NotFound("gift card with this PIN")
    return _apply(tx, caller.tenant, store.of_caller(caller), card, command.amount)


def apply_public(tx: Transaction, tenant_id: str, cart_id: str, command: ApplyGiftCard) -> AppliedGiftCard:
    """Let a gift card pay for a cart, for whoever has its serial and PIN (contract GC-06, X-10).

    The same card again holds another amount then; it is never held twice for one cart.

    Raises:
        NotFound: no such card, another PIN, or a card that cannot pay; nobody is told which.
        Invalid: no such cart, nothing in it that the card may pay for, nothing on the card, another currency.
        Conflict: as many cards pay for the cart as may.
    """
    mode, card = redeeming.possessed(tenant_id, command.serial, command.pin)
    tenant = find_tenant(tenant_id, mode)
    cart = store.find_by_id(tenant, cart_id) if tenant is not None else None
    if tenant is None or cart is None:
        raise Invalid("No such cart", field="cartId", reason="unknown_cart")
    return _apply(tx, tenant, cart, card, command.amount)


def _apply(tx: Transaction, tenant: Tenant, cart: Cart, card: GiftCard, wanted: Money | None) -> AppliedGiftCard:
    priced = pricing.look(tenant, cart)
    same = next((each for each in cart.gift_cards if each.serial == card.serial), None)
    most = min(tenant.checkout.gift_cards_per_order, MAX_GIFT_CARDS)
    if same is None and len(cart.gift_cards) >= most:
        raise Conflict(f"At most {most} gift cards pay for one order", field="serial", reason="too_many_gift_cards")
    others = [each.amount.minor for each in priced.gift_cards if each.applied is not same]
    left = Money(priced.coverable.minor - sum(others), priced.currency)
    if wanted is not None and wanted.currency != left.currency:
        raise Invalid(f"The cart is in {left.currency}", field="amount", reason="currency_mismatch")
    asked = left if wanted is None else min(wanted, left)
    if asked.minor <= 0:
        raise Invalid("There is nothing in the cart that the card could pay", field="cartId", reason="nothing_to_pay")
    saved, redemption = redeeming.hold(tx, tenant, card, cart.cart_id, asked)
    kept = replace(cart, gift_cards=tuple(each for each in cart.gift_cards if each is not same))
    applied = AppliedCard(redemption.redemption_id, card.serial, redemption.amount)
    changed = pricing.with_held(priced, kept.with_applied(applied), saved, redemption)
    return AppliedGiftCard(saved, redemption, pricing.save(tx, tenant, changed))


def remove_own(tx: Transaction, caller: Caller, redemption_id: str) -> PricedCart:
    """Take a gift card off the calling customer's cart; what it held is free again (contract CA-09).

    Raises:
        NotFound: the cart has no such redemption.
    """
    return _remove(tx, caller.tenant, store.of_caller(caller), redemption_id)


def remove_public(tx: Transaction, tenant_id: str, redemption_id: str, serial: str, pin: str) -> None:
    """Take a gift card off the cart that it is held for, for whoever has its serial and PIN (contract GC-19).

    A redemption that was given up already stays as it is.

    Raises:
        NotFound: no such card, another PIN, a card that cannot pay, or no such redemption of it.
        Conflict: it has paid for an order.
    """
    mode, card = redeeming.possessed(tenant_id, serial, pin)
    tenant = find_tenant(tenant_id, mode)
    found, redemption = cards.find_with_redemption(tenant, card.serial, redemption_id) if tenant else (None, None)
    if tenant is None or found is None or redemption is None:
        raise NotFound("gift card with this PIN")
    if redemption.order_id is not None:
        raise Conflict("The card has paid for an order", field="redemptionId", reason="redemption_committed")
    cart = store.find_by_id(tenant, redemption.cart_id) if redemption.cart_id else None
    if cart is not None and any(each.redemption_id == redemption_id for each in cart.gift_cards):
        _remove(tx, tenant, cart, redemption_id)
    else:
        redeeming.release(tx, tenant, found, redemption)


def _remove(tx: Transaction, tenant: Tenant, cart: Cart, redemption_id: str) -> PricedCart:
    applied = cart.applied(redemption_id)
    card, redemption = cards.find_with_redemption(tenant, applied.serial, redemption_id)
    if card is not None and redemption is not None:
        redeeming.release(tx, tenant, card, redemption)
    kept = tuple(each for each in cart.gift_cards if each is not applied)
    return pricing.save(tx, tenant, pricing.look(tenant, replace(cart, gift_cards=kept)))


def release_all(tx: Transaction, tenant: Tenant, cart: Cart) -> Cart:
    """The cart with nothing paid by stored value; what cards held is free again. The caller saves the cart."""
    found = cards.find_all(tenant, [(each.serial, each.redemption_id) for each in cart.gift_cards])
    for each in cart.gift_cards:
        card, redemption = found.cards.get(each.serial), found.redemptions.get(each.redemption_id)
        if card is not None and redemption is not None:
            redeeming.release(tx, tenant, card, redemption)
    return replace(cart, gift_cards=(), store_credit=None)


def apply_store_credit(tx: Transaction, tenant: Tenant, cart: Cart) -> PricedCart:
    """Let all of the customer's store credit pay, as far as there is something to pay (contract SC-03).

    It stays so with every change of the cart; doing it again tells the present amount.
    """
    priced = pricing.look(tenant, replace(cart, store_credit=Money.zero(tenant.currency)))
    return pricing.save(tx, tenant, priced)


def remove_store_credit(tx: Transaction, tenant: Tenant, cart: Cart) -> PricedCart:
    """Use no store credit for the cart (contract SC-04)."""
    return pricing.save(tx, tenant, pricing.look(tenant, replace(cart, store_credit=None)))
