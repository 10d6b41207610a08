"""Answers that are not JSON: pages, scripts, files."""

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
            return Response(304, headers=headers)
        return Response(200, content_type=self.content_type, body=self.text, headers=headers)
