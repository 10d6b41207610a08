"""Ask each part of the platform whether it answers, with patience for a few seconds."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from commerce.health.model import Part, State
from commerce.observability import logger
from commerce.table import keys

_PATIENCE = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})


def probe() -> dict[Part, State]:
    """The state of each part that Till uses."""
    return {part: _state(part, call) for part, call in _CALLS.items()}


def _state(part: Part, call: Callable[[], object]) -> State:
    try:
        call()
    except (BotoCoreError, ClientError) as error:
        logger.warning("probe failed", part=str(part), error=type(error).__name__)
        return State.DEGRADED
    return State.OPERATIONAL


def _read_table() -> None:
    pk, sk = keys.health_day("probe")  # no such row: whether the table answers is all that counts
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    _client("dynamodb").get_item(TableName=os.environ["TABLE_NAME"], Key=key)


def _read_queue() -> None:
    url = os.environ["STRIPE_EVENTS_QUEUE_URL"]
    _client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])


def _read_bucket() -> None:
    _client("s3").head_bucket(Bucket=os.environ["FILES_BUCKET"])


_CALLS: dict[Part, Callable[[], None]] = {
    Part.DATABASE: _read_table,
    Part.QUEUE: _read_queue,
    Part.STORAGE: _read_bucket,
}


@cache
def _client(service: str) -> Any:
    return botocore.session.get_session().create_client(service, config=_PATIENCE)
