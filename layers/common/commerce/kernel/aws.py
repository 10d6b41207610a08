"""AWS clients other than the table's, made when first used: botocore alone, which the table's client loads anyway."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

_SHORT = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})


@cache
def client(service: str) -> Any:
    """The process's client of ``service``; it honours AWS_ENDPOINT_URL, as botocore does."""
    return botocore.session.get_session().create_client(service, config=_SHORT)
