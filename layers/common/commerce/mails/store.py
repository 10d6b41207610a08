"""Mails to customers, claimed before they are sent (pattern M1)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pynamodb.attributes import UnicodeAttribute

from commerce.kernel.errors import Conflict
from commerce.mails.notices import Notice
from commerce.table import keys
from commerce.table.reading import get
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction


class MailState(StrEnum):
    """What became of a mail; unknown where SES was asked to send it and gave no answer, outdated where there was none
    to send any more."""

    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    OUTDATED = "outdated"


class Claimed(Conflict):
    """Somebody else sends this mail, or has sent it."""

    def __init__(self) -> None:
        super().__init__("This mail is being sent, or was", reason="mail_claimed")


@dataclass(frozen=True, slots=True)
class Claim:
    """How far a mail is that somebody claimed at ``at``."""

    state: MailState
    at: datetime


class CustomerMailRow(Row, discriminator="customer_mail"):
    order_id = UnicodeAttribute()
    notice = UnicodeAttribute()
    subject_id = UnicodeAttribute()
    state = UnicodeAttribute()
    at = InstantAttribute()


def claim(tx: Transaction, notice: Notice, at: datetime) -> None:
    """Say that the mail is about to be sent (M1).

    Raises (at commit):
        Claimed: somebody has said so before.
    """
    row = _addressed(notice)
    row.order_id, row.notice, row.subject_id = notice.order_id, str(notice.kind), notice.subject_id
    row.state, row.at = str(MailState.SENDING), at
    tx.add(row, Claimed())


def settle(tx: Transaction, notice: Notice, state: MailState) -> None:
    """Say what became of a mail (M1).

    Raises (at commit):
        Claimed: that is said already.
    """
    sending = CustomerMailRow.state == str(MailState.SENDING)
    tx.update(_addressed(notice), [CustomerMailRow.state.set(str(state))], sending, Claimed())


def abandon(tx: Transaction, notice: Notice) -> None:
    """Say that the mail was not sent, so that it can be tried again (M1).

    Raises (at commit):
        Claimed: somebody says otherwise.
    """
    tx.delete(_addressed(notice), CustomerMailRow.state == str(MailState.SENDING), Claimed())


def find(notice: Notice) -> Claim | None:
    """How far the mail is; None where nobody has claimed it (M1)."""
    row = get(keys.customer_mail(notice.tenant, notice.order_id, notice.kind, notice.subject_id))
    return Claim(MailState(row.state), row.at) if isinstance(row, CustomerMailRow) else None


def _addressed(notice: Notice) -> CustomerMailRow:
    return CustomerMailRow(*keys.customer_mail(notice.tenant, notice.order_id, notice.kind, notice.subject_id))
