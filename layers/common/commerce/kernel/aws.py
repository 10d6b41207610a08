"""AWS clients other than the table's, made when first used: botocore alone, which the table's client loads anyway."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

_SHORT = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
_SIGNED_LINKS = Config(signature_version="s3v4")  # links to encrypted objects need it
_ONCE = Config(retries={"total_max_attempts": 1})  # a mail that is sent again is a second mail
_OWN = {"s3": _SIGNED_LINKS, "sesv2": _ONCE}


@cache
def client(service: str) -> Any:
    """The process's client of ``service``; it honours AWS_ENDPOINT_URL, as botocore does."""
    config = _SHORT.merge(_OWN[service]) if service in _OWN else _SHORT
    return botocore.session.get_session().create_client(service, config=config)
