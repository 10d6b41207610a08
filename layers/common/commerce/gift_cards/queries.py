"""Reading gift cards: the staff all of them, customers their own (contract GC-09, GC-10, GC-20)."""

from commerce.customers import store as customers
from commerce.gift_cards import lifecycle, redeeming, store
from commerce.gift_cards.model import GiftCard, Redemption
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import NotFound
from commerce.kernel.paging import Page, PageRequest


def visible(caller: Caller, typed: str) -> GiftCard:
    """A card by its serial: any for the staff, a customer's own.

    Raises:
        Invalid: a serial of ours with a typing mistake.
        NotFound: no such card, or another's.
    """
    card = lifecycle.get(caller.tenant, typed)
    if caller.role is Role.CUSTOMER and (card.owner_email or "").casefold() != _own_email(caller):
        raise NotFound("gift card")
    return card


def refundable(caller: Caller, typed: str, order_id: str | None, redemption_id: str | None) -> Redemption:
    """The redemption of a card that a refund onto it is about.

    Raises:
        Invalid, NotFound: as ``visible`` does; the card paid for nothing of the kind.
        Conflict: it paid more than once.
    """
    card = visible(caller, typed)
    return redeeming.refundable(store.redemptions_of(caller.tenant, card.serial), order_id, redemption_id)


def page_of_visible(caller: Caller, request: PageRequest) -> Page[GiftCard]:
    """A page of all cards for the staff, of a customer's own, the newest first."""
    owner = _own_email(caller) if caller.role is Role.CUSTOMER else None
    return page_of(caller, request, owner)


def page_of(caller: Caller, request: PageRequest, owner_email: str | None) -> Page[GiftCard]:
    """A page of cards, all or an owner's, the newest first."""
    if owner_email is None:
        return store.page_of(caller.tenant, request)
    return store.page_of_owner(caller.tenant, request, owner_email)


def _own_email(caller: Caller) -> str:
    """The address that a customer's cards belong to.

    Raises:
        NotFound: the customer is gone.
    """
    customer = customers.find(caller.tenant, caller.own_customer_id)
    if customer is None:
        raise NotFound("customer")
    return customer.email.casefold()
