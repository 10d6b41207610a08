"""moto's DynamoDB, made cheap in time and memory. What it does stays the same.

- A transaction keeps a deep copy of the whole table for each of its writes, to undo them. Here a copy shares the rows,
  and a row that is about to be updated in place is replaced by one of its own.
- moto remembers every table and row there ever was, such copies too, until its end. Here it does not.
- An answer looks for each of the ten types in every attribute. Here it takes the one that is there.
"""

import copy
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.backends import get_backend
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_update_item = DynamoDBBackend.update_item
_serialize_structure = BaseJSONSerializer._serialize_type_structure


@contextmanager
def cheap_moto() -> Iterator[None]:
    """moto is cheap inside the block."""
    copies = SimpleNamespace(copy=copy.copy, deepcopy=_copy)
    with (
        patch("moto.dynamodb.models.copy", copies),
        patch.object(DynamoDBBackend, "update_item", _update_its_own),
        patch.object(Item, "instances_tracked", deque(maxlen=0)),
        patch.object(Table, "instances_tracked", deque(maxlen=0)),
        patch.object(BaseJSONSerializer, "_serialize_type_structure", _serialize_what_is_there),
    ):
        yield


@contextmanager
def undone(table_name: str) -> Iterator[None]:
    """What is written into the table inside the block is undone at its end."""
    tables = _backend().tables
    kept = _copy(tables[table_name])
    try:
        yield
    finally:
        tables[table_name] = kept


def items_of(table_name: str) -> list[Any]:
    """The items of a table as moto keeps them: a scan takes a hundred times as long."""
    return list(_backend().tables[table_name].all_items())


def _backend() -> Any:
    return get_backend("dynamodb")["123456789012"]["us-east-1"]


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


def _serialize_what_is_there(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name != "AttributeValue":
        _serialize_structure(serializer, serialized, value, shape, key)
        return
    attribute: dict[str, Any] = {}
    for name, inner in value.items():
        serializer._serialize(attribute, inner, shape.members[name], name)
    serializer._default_serialize(serialized, attribute, shape, key)
