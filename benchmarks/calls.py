"""What a handler asks of AWS and Stripe, and what DynamoDB would charge for it.

Calls are counted at botocore's one door and at the Stripe SDK's HTTP client. Units are computed by DynamoDB's rules
from the sizes of the items that were read, and of the rows before and after a write; the emulator's own figures are not
used.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import stripe
from botocore.client import BaseClient

READS = frozenset({"GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
STRIPE = "Stripe"
_READ_UNIT = 4096  # bytes
_WRITE_UNIT = 1024

Item = Mapping[str, Any]
"""An item in DynamoDB's JSON: ``{"pk": {"S": "…"}}``."""


@dataclass
class Calls:
    """What happened while it was being watched."""

    made: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0
    answers: list[Any] = field(default_factory=list)  # in the order of the calls

    @property
    def reads(self) -> int:
        return sum(times for name, times in self.made.items() if name in READS)

    @property
    def writes(self) -> int:
        return sum(times for name, times in self.made.items() if name in WRITES)


@contextmanager
def watched(table: Mapping[str, Any]) -> Iterator[Calls]:
    """Count what is called inside the block.

    Args:
        table: its definition as ``CreateTable`` takes it; the indexes decide what a write costs.
    """
    calls = Calls()
    answers = calls.answers
    call_aws, call_stripe = BaseClient._make_api_call, stripe.RequestsClient.request

    def aws(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        calls.made[operation] += 1
        if operation in WRITES:
            before = _written(lambda key: _look(client, arguments, key), operation, arguments)
            answer = call_aws(client, operation, arguments)
            after = _written(lambda key: _look(client, arguments, key), operation, arguments)
            factor = 2 if operation == "TransactWriteItems" else 1
            calls.write_units += sum(
                write_units(old, new, table, factor=factor) for old, new in zip(before, after, strict=True)
            )
        else:
            answer = call_aws(client, operation, arguments)
            calls.read_units += read_units(operation, arguments, answer) if operation in READS else 0
        answers.append(answer)
        return answer

    def _look(client: Any, arguments: Mapping[str, Any], key: Item) -> Item | None:
        name = arguments.get("TableName") or _first(arguments["TransactItems"][0])["TableName"]
        found: Item | None = call_aws(client, "GetItem", {"TableName": name, "Key": key}).get("Item")
        return found

    def http(*given: Any, **named: Any) -> Any:
        calls.made[STRIPE] += 1
        answers.append(call_stripe(*given, **named))
        return answers[-1]

    BaseClient._make_api_call, stripe.RequestsClient.request = aws, http  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        BaseClient._make_api_call, stripe.RequestsClient.request = call_aws, call_stripe  # type: ignore[method-assign]


def _first(action: Mapping[str, Any]) -> Any:
    return next(iter(action.values()))


def _written(look: Any, operation: str, arguments: Mapping[str, Any]) -> list[Item | None]:
    """The rows that a write concerns, as they are now."""
    actions = [_first(each) for each in arguments["TransactItems"]] if "TransactItems" in arguments else [arguments]
    keys = [action.get("Key") or {name: action["Item"][name] for name in ("pk", "sk")} for action in actions]
    return [look(key) for key in keys]


# DynamoDB's rules ("Read/write capacity units", "Item sizes and formats" in its developer guide)


def read_units(operation: str, arguments: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """4 KB to a strongly consistent unit, rounded up per item, or per page of a query; half for eventual reads."""
    if operation == "BatchGetItem":
        (request,), (items,) = arguments["RequestItems"].values(), answer["Responses"].values() or ([],)
        missing = len(request["Keys"]) - len(items)
        whole = sum(_whole(item_size(item), _READ_UNIT) for item in items) + missing
        return whole if request.get("ConsistentRead") else whole / 2
    if operation == "GetItem":
        whole = _whole(item_size(answer.get("Item") or {}), _READ_UNIT)
    else:
        size = sum(item_size(item) for item in answer["Items"])
        examined = answer["ScannedCount"] / answer["Count"] if answer["Count"] else 1  # a filter hides what it reads
        whole = _whole(size * examined, _READ_UNIT)
    return whole if arguments.get("ConsistentRead") else whole / 2


def write_units(before: Item | None, after: Item | None, table: Mapping[str, Any], *, factor: int = 1) -> float:
    """1 KB to a unit of the larger image; ``factor`` 2 in a transaction. Indexes are written behind it, at one each."""
    units = factor * _whole(max(item_size(before or {}), item_size(after or {})), _WRITE_UNIT)
    return units + sum(_index_units(before, after, index) for index in table.get("GlobalSecondaryIndexes", ()))


def _index_units(before: Item | None, after: Item | None, index: Mapping[str, Any]) -> int:
    """Every index of the table projects all attributes: a change of any is written, a change of key is two writes."""
    names = [element["AttributeName"] for element in index["KeySchema"]]
    old, new = (item if item and all(name in item for name in names) else None for item in (before, after))
    if old == new:
        return 0
    if old and new and all(old[name] == new[name] for name in names):
        return _whole(max(item_size(old), item_size(new)), _WRITE_UNIT)
    return sum(_whole(item_size(item), _WRITE_UNIT) for item in (old, new) if item)


def _whole(size: float, unit: int) -> int:
    return max(1, math.ceil(size / unit))


def item_size(item: Item) -> int:
    """Bytes of an item: the UTF-8 names and values of its attributes."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = content.lstrip("-").replace(".", "").strip("0")
            return 1 + math.ceil(len(digits) / 2) + int(content.startswith("-"))
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(each) for each in content)
        case "M":
            return 3 + len(content) + item_size(content)
        case _:
            return sum(_value_size({kind[0]: each}) for each in content)


@contextmanager
def replayed(answers: Sequence[Any]) -> Iterator[None]:
    """Answer AWS and Stripe calls inside the block with ``answers``, in their order: nothing else runs beside the work.

    moto between two calls leaves cold caches behind, and its own time is hard to take out of a handler's.
    """
    rest = iter(answers)
    call_aws, call_stripe = BaseClient._make_api_call, stripe.RequestsClient.request

    def answer(*_: Any, **__: Any) -> Any:
        return next(rest)

    BaseClient._make_api_call, stripe.RequestsClient.request = answer, answer  # type: ignore[method-assign]
    try:
        yield
    finally:
        BaseClient._make_api_call, stripe.RequestsClient.request = call_aws, call_stripe  # type: ignore[method-assign]
