"""Ids: a readable prefix and a UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import uuid6

PATTERN = r"^[A-Za-z0-9_.\-]{1,64}$"
_TEXT = re.compile(PATTERN)


def _uuid7() -> str:
    return uuid6.uuid7().hex


_source: Callable[[], str] = _uuid7


def new(prefix: str) -> str:
    """A new id such as ``order_0192f0c1…``: the prefix, ``_`` and 32 hexadecimal digits."""
    return f"{prefix}_{_source()}"


def made_at(entity_id: str) -> datetime:
    """When an id was made: the milliseconds that a UUIDv7 begins with."""
    milliseconds = int(entity_id.rpartition("_")[2][:12], 16)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def canonical_order_id(text: str) -> str:
    """``ord_`` is an accepted alias of ``order_`` (contract X-40)."""
    return "order_" + text[4:] if text.startswith("ord_") else text


def is_well_formed(text: str) -> bool:
    """Whether ``text`` could be an id at all. It keeps ``#`` and other key characters out of keys."""
    return bool(_TEXT.fullmatch(text))


@contextmanager
def use(source: Callable[[], str]) -> Iterator[None]:
    """Take the random part from ``source`` inside the block."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
