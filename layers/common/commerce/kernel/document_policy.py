"""What a shop prints on its packing slips, invoices and pick lists (contract 2.7)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commerce.kernel.errors import Invalid

MAX_LETTERHEAD_LINES = 8
MAX_LINE = 100
MAX_FOOTER = 300

# Where letters are not written on A4 (CLDR, territories of paper size US-Letter).
_LETTER_COUNTRIES = frozenset("BZ CA CL CO CR GT MX NI PA PH PR SV US VE".split())


class Paper(StrEnum):
    A4 = "a4"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class DocumentPolicy:
    """How a shop's documents look.

    Attributes:
        address: under the shop's name, as lines.
        footer: at the end of every page: register and tax numbers, or thanks.
        paper: None is that of the shop's country.
        logo: the name of the picture in the files; its bytes are read only where a document is made.
    """

    address: tuple[str, ...] = ()
    footer: str | None = None
    paper: Paper | None = None
    logo: str | None = None

    @classmethod
    def from_document(cls, document: dict[str, Any] | None) -> "DocumentPolicy":
        """Read what ``document`` wrote; a shop that never decided has the defaults."""
        if document is None:
            return cls()
        paper = document["paper"]
        return cls(
            address=tuple(document["address"]),
            footer=document["footer"],
            paper=None if paper is None else Paper(paper),
            logo=document["logo"],
        )

    @property
    def document(self) -> dict[str, Any]:
        return {
            "address": list(self.address),
            "footer": self.footer,
            "paper": None if self.paper is None else str(self.paper),
            "logo": self.logo,
        }

    def paper_in(self, country: str) -> Paper:
        """What the documents of a shop in ``country`` are printed on."""
        return self.paper or (Paper.LETTER if country in _LETTER_COUNTRIES else Paper.A4)

    def require_valid(self) -> None:
        """Raise Invalid for a decision that cannot be, naming its field. Once, when it is made."""
        if len(self.address) > MAX_LETTERHEAD_LINES or not all(_is_line(line, MAX_LINE) for line in self.address):
            raise Invalid(
                f"An address has at most {MAX_LETTERHEAD_LINES} lines of 1 to {MAX_LINE} printable characters",
                field="documents.address",
                reason="bad_address",
            )
        if self.footer is not None and not _is_line(self.footer, MAX_FOOTER):
            raise Invalid(
                f"A footer has 1 to {MAX_FOOTER} printable characters", field="documents.footer", reason="bad_footer"
            )


DEFAULT_DOCUMENTS = DocumentPolicy()


def _is_line(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and text.isprintable() and bool(text.strip())
