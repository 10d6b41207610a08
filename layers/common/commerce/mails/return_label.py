"""The mail that brings a customer the label of a return (contract RT-03)."""

from dataclasses import dataclass, field
from datetime import date

from commerce.mails.model import Attachment, Mail
from commerce.mails.rendering import render


@dataclass(frozen=True, slots=True)
class LabelLetter:
    """``items`` are names and units; ``send_by`` is until when they are waited for; ``label`` is a PDF."""

    recipient: str = field(repr=False)
    shop: str
    rma_number: str
    order_id: str
    items: tuple[tuple[str, int], ...]
    send_by: date | None
    label: bytes = field(repr=False)


def compose(letter: LabelLetter) -> Mail:
    """The mail with the RMA number, and the label to print attached.

    Raises:
        Refused: the recipient is no address.
    """
    values = {
        "items": letter.items,
        "order_id": letter.order_id,
        "rma_number": letter.rma_number,
        "send_by": letter.send_by,
        "shop": letter.shop,
    }
    return Mail(
        to=letter.recipient,
        subject=f"Your return {letter.rma_number} to {letter.shop}",
        html=render("return_label.html", **values),
        text=render("return_label.txt", **values),
        sender_name=letter.shop,
        attachments=(Attachment(f"{letter.rma_number}.pdf", "application/pdf", letter.label),),
    )
