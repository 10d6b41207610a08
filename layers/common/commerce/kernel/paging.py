"""Pages and cursors (contract X-04).

One engine: a cursor is the position after the last row of a page, signed together with the tenant and the query it
belongs to, so that a cursor of another tenant, another filter or another make is refused.
"""

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Any

from commerce.kernel import wire_json
from commerce.kernel.errors import Invalid, Malformed

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_OFFSET_ROWS = 10_000

Position = dict[str, str]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: ``limit`` rows, after ``cursor`` or after skipping ``offset`` rows."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: str | None = None

    @classmethod
    def of_page(cls, page: int | None, limit: int, cursor: str | None) -> "PageRequest":
        """From the page-numbered form, ``page`` counting from 1.

        Raises:
            Malformed: both ``page`` and ``cursor``.
        """
        if cursor is not None and page is not None:
            raise Malformed("Give page or cursor, not both", field="cursor", reason="page_and_cursor")
        return cls.of_offset(((page or 1) - 1) * limit, limit, cursor)

    @classmethod
    def of_offset(cls, offset: int, limit: int, cursor: str | None = None) -> "PageRequest":
        """From the offset form.

        Raises:
            Invalid: the page lies beyond what an offset may skip; a cursor goes further.
            Malformed: both ``offset`` and ``cursor``.
        """
        if cursor is not None and offset:
            raise Malformed("Give offset or cursor, not both", field="cursor", reason="page_and_cursor")
        if offset + limit > MAX_OFFSET_ROWS:
            raise Invalid(f"Offsets reach {MAX_OFFSET_ROWS} rows; use cursor beyond", field="page", reason="use_cursor")
        return cls(limit=limit, offset=offset, cursor=cursor)


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page of results. ``total`` is given where a maintained counter knows it."""

    items: tuple[T, ...]
    request: PageRequest
    next_cursor: str | None = None
    total: int | None = None

    @property
    def has_more(self) -> bool:
        return self.next_cursor is not None

    def over[U](self, items: "tuple[U, ...]") -> "Page[U]":
        """The same page, holding ``items`` made of its rows."""
        return Page(items=items, request=self.request, next_cursor=self.next_cursor, total=self.total)


def sign(position: Position, *, scope: str) -> str:
    """Make the opaque cursor for ``position`` in ``scope`` (tenant partition and query)."""
    body = wire_json.canonical(position).encode()
    return base64.urlsafe_b64encode(_mac(body, scope) + body).decode().rstrip("=")


def verify(cursor: str, *, scope: str) -> Position:
    """Give back the position inside a cursor.

    Raises:
        Malformed: not a cursor of ours, of another tenant, or of another query.
    """
    refused = Malformed("This cursor does not belong to this query", field="cursor", reason="bad_cursor")
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise refused from None
    mac, body = raw[:16], raw[16:]
    if not hmac.compare_digest(mac, _mac(body, scope)):
        raise refused
    position: Any = wire_json.loads(body)
    return {str(name): str(value) for name, value in position.items()}


def _mac(body: bytes, scope: str) -> bytes:
    key = os.environ["CURSOR_KEY"].encode()
    return hmac.new(key, scope.encode() + b"\0" + body, hashlib.sha256).digest()[:16]
