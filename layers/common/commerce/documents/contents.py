"""Documents as JSON texts, in which they are kept."""

from dataclasses import asdict
from functools import cache
from typing import Annotated, Any

from pydantic import Discriminator, TypeAdapter

from commerce.documents.model import Document, Invoice, PickList, Slip
from commerce.kernel import wire_json


def write(documents: tuple[Document, ...]) -> str:
    """Equal documents give equal texts."""
    return wire_json.canonical([_plain(asdict(each)) for each in documents])


def read(text: str | bytes) -> tuple[Document, ...]:
    """What ``write`` wrote."""
    found: tuple[Document, ...] = _reader().validate_json(text)
    return found


@cache
def _reader() -> TypeAdapter[Any]:
    return TypeAdapter(tuple[Annotated[Slip | Invoice | PickList, Discriminator("kind")], ...])


def _plain(value: Any) -> Any:
    """Days as texts, which JSON has no other form for."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
