"""Links to files in the bucket, for whoever has them: good for 10 to 15 minutes."""

import os
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from commerce.kernel import clock
from commerce.kernel.aws import client

LINK_SECONDS = 15 * 60
_SIGNED_FOR_SECONDS = 5 * 60  # a link stays the same for so long, and with it the answer that holds it


def link(key: str, saved_as: str) -> str:
    """Where a file can be downloaded from, under the name ``saved_as``."""
    return _signed(key, saved_as, _window())


def links_expire_at() -> datetime:
    """Until when the links of now are good at least."""
    return datetime.fromtimestamp(_window() * _SIGNED_FOR_SECONDS + LINK_SECONDS, UTC)


def _window() -> int:
    return int(clock.now().timestamp()) // _SIGNED_FOR_SECONDS


@lru_cache(maxsize=64)
def _signed(key: str, saved_as: str, window: int) -> str:
    """``window`` is what makes a link another one."""
    asked = {
        "Bucket": os.environ["FILES_BUCKET"],
        "Key": key,
        "ResponseContentDisposition": _attachment(saved_as),
    }
    signed: str = client("s3").generate_presigned_url("get_object", Params=asked, ExpiresIn=LINK_SECONDS)
    return signed


def _attachment(saved_as: str) -> str:
    """A Content-Disposition that is never shown in a page (RFC 6266): the name, with a plainer one for old readers."""
    plain = unicodedata.normalize("NFKD", saved_as).encode("ascii", "ignore").decode()
    plain = "".join(char if char.isprintable() and char not in '"\\%' else "_" for char in plain)
    exact = "" if plain == saved_as else f"; filename*=UTF-8''{quote(saved_as, safe='')}"
    return f'attachment; filename="{plain}"{exact}'
