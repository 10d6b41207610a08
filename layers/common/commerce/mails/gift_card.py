"""The mail that brings a gift card to its recipient (contract GC-07, PM-14)."""

import os
from dataclasses import dataclass
from urllib.parse import quote, urldefrag

from commerce.gift_cards.delivery import Letter
from commerce.mails.model import Mail
from commerce.mails.rendering import amount, render


@dataclass(frozen=True, slots=True)
class Design:
    """What distinguishes one look from another; white text has to be readable on ``accent``.

    ``ornament`` is a sign that common fonts have: emoji are boxes where no font for them is installed.
    """

    heading: str
    ornament: str
    accent: str
    backdrop: str


CLASSIC = "classic"
DESIGNS = {
    CLASSIC: Design("A gift card for you", "✦", "#1f4b6e", "#eef3f7"),
    "birthday": Design("Happy birthday!", "★", "#9c2f6b", "#fbeff6"),
    "holiday": Design("Happy holidays!", "❄", "#1d6140", "#eef6f1"),
}


def design_of(name: str | None) -> Design:
    """The design of that name; of ``holiday-2026`` the one that it is a variant of; else the classic one."""
    wanted = name or CLASSIC
    return DESIGNS.get(wanted) or DESIGNS.get(wanted.rpartition("-")[0]) or DESIGNS[CLASSIC]


def compose(letter: Letter) -> Mail:
    """The mail with serial and PIN.

    Raises:
        Refused: the recipient is no address.
    """
    design = design_of(letter.design)
    values = {
        "amount": letter.amount,
        "design": design,
        "expires_on": letter.expires_on,
        "heading": design.heading,
        "link": _link(letter.serial),
        "message": letter.message,
        "pin": letter.pin,
        "sender": letter.sender,
        "serial": letter.serial,
        "shop": letter.shop,
    }
    return Mail(
        to=letter.recipient,
        subject=f"Your {amount(letter.amount)} gift card from {letter.shop}",
        html=render("gift_card.html", **values),
        text=render("gift_card.txt", **values),
        sender_name=letter.shop,
    )


def _link(serial: str) -> str | None:
    """Where the card is redeemed. A fragment stays in the browser: no server's log has the serial, and no link the PIN.

    None when the stack does not know its storefront.
    """
    address = os.environ.get("STOREFRONT_URL", "")
    return f"{urldefrag(address).url}#gift-card={quote(serial)}" if address else None
