"""Conditional requests and what may be kept by whom (contract 4.4, X-32; RFC 9110 section 13, RFC 9111)."""

import hashlib
import re

from commerce.kernel.errors import Malformed

CATALOGUE = "private, max-age=300"
CUSTOMER = "private, max-age=60"
NEVER = "no-store"
# A stored answer fits a later request only if these were the same.
VARY = "Authorization, X-Tenant-ID, orgid, Accept-Language, X-Language-Fallback, X-Currency, X-Region, X-Timezone"

_VERSION = re.compile(r'(?:W/)?"?([1-9]\d{0,8})(?:-[0-9a-f]+)?"?\Z')


def etag(body: str, version: int | None) -> str:
    """The strong tag of an answer: of its content, led by the version of the object in it, which If-Match names."""
    digest = hashlib.sha256(body.encode()).hexdigest()[:20]
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the reader has what ``tag`` stands for. What stands between us may have weakened the tags."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return tag in known or "*" in known


def wanted_version(if_match: str) -> int | None:
    """The version that an ``If-Match`` names; None for any (``*``).

    Raises:
        Malformed: not one tag of ours.
    """
    if if_match.strip() == "*":
        return None
    match = _VERSION.match(if_match.strip())
    if match is None:
        raise Malformed("If-Match takes one ETag of this resource, or its version", field="If-Match", reason="bad_etag")
    return int(match.group(1))
