"""Documents as pages that stand alone and print well: escaped throughout, without scripts, fetching nothing.

Needs the documents layer.
"""

from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from commerce.documents.model import Document
from commerce.kernel.document_policy import Paper
from commerce.kernel.money import Money
from commerce.mails.rendering import amount, day

_TEMPLATES = Path(__file__).parent / "templates"
_PAPER = {Paper.A4: "A4", Paper.LETTER: "letter"}  # as CSS names them


def render(documents: tuple[Document, ...], logo: bytes | None) -> str:
    """One page with all the documents, each beginning on a new sheet when it is printed; ``logo`` is a PNG."""
    first = documents[0]
    return (
        _environment()
        .get_template("documents.html")
        .render(
            documents=documents,
            sender=first.sender,
            paper=_PAPER[first.sender.paper],
            title=first.title,
            logo=None if logo is None else b64encode(logo).decode(),
        )
    )


def number(money: Money) -> str:
    """``1,234.50``: for columns that say their currency elsewhere."""
    return f"{money.major:,f}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": amount, "number": number, "day": day}
    return environment
