"""Templates become pages and texts: values are escaped in pages, and one that is missing is an error.

Needs the documents layer.
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from commerce.kernel.money import Money

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    """``templates/<template>``: a page when its name ends with ``.html``, else plain text."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(default=True, disabled_extensions=("txt",)),
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"amount": amount, "day": day}
    return environment


def amount(money: Money) -> str:
    """``1,234.50 USD``, ``5,000 JPY``: with all decimal places of the currency, and its code."""
    return f"{money.major:,f} {money.currency}"


def day(when: date) -> str:
    """``25 April 2027``: a month by its name cannot be taken for a day."""
    return f"{when.day} {when:%B %Y}"
