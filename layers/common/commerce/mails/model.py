"""What a mail is. Nothing in it can add a header or a second recipient."""

import re
import unicodedata
from dataclasses import dataclass, field

from commerce.kernel.errors import CommerceError

MAX_SUBJECT = 150  # characters; RFC 5322 allows 998 bytes, readers show about 70
MAX_NAME = 40  # characters; encoded and with the address they have to fit into 320

# An address as mail services take it: one, bare, in ASCII, without quotes or comments (RFC 5321's lengths).
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}\Z")

_JOINERS = "\u200c\u200d"  # hold families of emoji together, and keep letters apart in some scripts


class Refused(CommerceError):
    """Nobody can be reached at this address, and trying again would change nothing."""

    code = "validation_error"

    def __init__(self) -> None:
        super().__init__("No mail can be sent to this address", field="recipient", reason="mail_refused")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail; ``name`` and ``content_type`` are ours, not a customer's words."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient, as a page and as plain text.

    ``subject`` and ``sender_name`` become one line of printable text; the address that it comes from is the stack's.
    What a mail says is for its recipient alone, so it is not in its ``repr``.

    Raises:
        Refused: ``to`` or ``reply_to`` is not exactly one address.
    """

    to: str = field(repr=False)
    subject: str = field(repr=False)
    html: str = field(repr=False)
    text: str = field(repr=False)
    sender_name: str | None = None
    reply_to: str | None = field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        for address in (self.to, self.reply_to):
            if address is not None and not _ADDRESS.match(address):
                raise Refused
        object.__setattr__(self, "subject", one_line(self.subject, MAX_SUBJECT))
        object.__setattr__(self, "sender_name", one_line(self.sender_name or "", MAX_NAME) or None)


def one_line(text: str, limit: int) -> str:
    """``text`` without controls, line ends and marks that turn the direction of what follows; cut to ``limit``."""
    printable = "".join(each if unicodedata.category(each)[0] != "C" or each in _JOINERS else " " for each in text)
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
