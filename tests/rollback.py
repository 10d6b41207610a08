"""How moto undoes a failed transaction, made cheap.

moto keeps a deep copy of the whole table for each write of each transaction, which takes most of the time and gigabytes
of memory. Here a copy shares the rows, and a row that is about to be updated in place is replaced by one of its own.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

_update_item = DynamoDBBackend.update_item


@contextmanager
def shared_rows() -> Iterator[None]:
    """Copies of tables share their rows inside the block."""
    copies = SimpleNamespace(copy=copy.copy, deepcopy=_copy)
    with (
        patch("moto.dynamodb.models.copy", copies),
        patch.object(DynamoDBBackend, "update_item", _update_its_own),
    ):
        yield


def _copy(value: Any) -> Any:
    if not isinstance(value, Table):
        return copy.deepcopy(value)
    kept = copy.copy(value)
    kept.items = defaultdict(dict, {pk: dict(rows) for pk, rows in value.items.items()})
    return kept


def _update_its_own(backend: DynamoDBBackend, table_name: str, key: Any, *given: Any, **named: Any) -> Any:
    table = backend.get_table(table_name)
    pk, sk = backend.get_keys_value(table, key)
    row = table.get_item(pk, sk)
    if row is not None:
        table.items[pk][sk] = copy.deepcopy(row)
    return _update_item(backend, table_name, key, *given, **named)
