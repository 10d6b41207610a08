"""The table's stream as Lambda delivers it, made of what changed between two looks at the table."""

import itertools
import time
from typing import Any

import boto3

from commerce.kernel import clock
from tests.shop import handler

_NUMBER = itertools.count(1)

type Record = dict[str, Any]


class Stream:
    """Gives what was written since it was last asked."""

    def __init__(self, table: Any) -> None:
        self._name = table.name
        self._seen = self._rows()

    def read(self) -> list[Record]:
        before, after = self._seen, self._rows()
        self._seen = after
        return [
            _record(before.get(key), after.get(key))
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        ]

    def _rows(self) -> dict[tuple[str, str], Any]:
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=self._name)
        return {(row["pk"]["S"], row["sk"]["S"]): row for page in pages for row in page["Items"]}


def audited(records: list[Record]) -> list[Record]:
    """Those that the template's filter lets through to the recorder of the audit log."""
    return [each for each in records if "cause" in each["dynamodb"].get("NewImage", {})]


def deliver(function: str, records: list[Record]) -> list[str]:
    """Hand a batch to a consumer; give the positions that it could not deal with."""
    answer = handler(f"streams/{function}").handler({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def _record(before: Any, after: Any) -> Record:
    number = next(_NUMBER)
    images = {name: image for name, image in (("OldImage", before), ("NewImage", after)) if image is not None}
    there = after or before
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": int(clock.now().timestamp()),
            "Keys": {"pk": there["pk"], "sk": there["sk"]},
            "SequenceNumber": f"{int(time.time() * 1000):014d}{number:010d}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }
