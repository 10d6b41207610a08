"""Answers that are not JSON: pages, scripts, files, redirections."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from aws_lambda_powertools.event_handler import Response


@dataclass(frozen=True)
class Document:
    """A text as it is, outside of any envelope. Keep it between requests: its ETag is computed once."""

    content_type: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.text.encode()).hexdigest()[:32]}"'

    def answer(self, if_none_match: str) -> Response[str]:
        """The document, or 304 when the reader has it already (RFC 9110, section 13.1.2)."""
        # What stands between reader and function may have weakened the tag.
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        headers: dict[str, str | list[str]] = {**self.headers, "ETag": self.etag, "X-Content-Type-Options": "nosniff"}
        if self.etag in known or "*" in known:
            return Response(304, body="", headers=headers)
        return Response(200, content_type=self.content_type, body=self.text, headers=headers)


@dataclass(frozen=True, slots=True)
class Redirect:
    """A browser goes on elsewhere, with a GET (RFC 9110, section 15.4.3)."""

    location: str

    def answer(self, _if_none_match: str) -> Response[str]:
        """302; nobody keeps it, and the next page does not learn the address that led to it."""
        headers: dict[str, str | list[str]] = {
            "Location": self.location,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        }
        return Response(302, body="", headers=headers)
