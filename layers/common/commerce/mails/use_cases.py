"""Sending the mails that events ask for. Each is sent again when the process dies before it has said so."""

from commerce.gift_cards.delivery import DeliveryOutcome, due, sent
from commerce.mails import ses
from commerce.mails.gift_card import compose
from commerce.mails.model import Refused
from commerce.mails.queue import Delivery


def deliver_gift_card(asked: Delivery) -> DeliveryOutcome | None:
    """Mail a card's serial and PIN, unless that was done or another PIN has taken its place (GC-07, GC-17, GC-24).

    A recipient that cannot be reached is an outcome, which the merchant sees on the card.

    Raises:
        Unavailable: no mail can be sent, or nothing can be read or written, for now.
    """
    letter = due(asked.tenant, asked.serial, asked.generation)
    if letter is None:
        return None
    try:
        ses.send(compose(letter))
    except Refused:
        outcome = DeliveryOutcome.REFUSED
    else:
        outcome = DeliveryOutcome.DELIVERED
    sent(asked.tenant, asked.serial, asked.generation, outcome)
    return outcome
