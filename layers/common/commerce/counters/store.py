"""Counters that many writers share (patterns N1, N2), kept by the stream consumer and read by lists and badges."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.operand import Path

from commerce.counters.model import Change, difference, total
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Conflict, Invalid, Unavailable
from commerce.table import keys
from commerce.table.rows import Row, connection
from commerce.table.transaction import MAX_ACTIONS, Transaction, code_of, run

_PREFIX = "n_"
_KEEP_MARKERS_SECONDS = 48 * 3600  # a stream holds its records for 24 hours
_REFUSED = frozenset({"ValidationException", "TransactionCanceledException"})
WRITES_AT_ONCE = MAX_ACTIONS


class CounterRow(Row, discriminator="counter"):
    """``n_<name>`` attributes, one per count."""


class AppliedRow(Row, discriminator="applied"):
    """The counts of a stream record are in the counters."""


class AppliedBefore(Conflict):
    """Some of the changes are counted already; ``event_ids`` says which."""

    def __init__(self, event_ids: frozenset[str]) -> None:
        super().__init__("These changes are counted already", reason="applied_before")
        self.event_ids = event_ids


class UncountableError(Exception):
    """DynamoDB will never take these changes together."""


def read(tenant: Tenant, collection: str) -> dict[str, int]:
    """All counts of a collection by name, ``{}`` when nothing was ever counted (N1)."""
    key = keys.counter(tenant, collection)
    item = connection().get_item(key.pk, key.sk, consistent_read=False).get("Item", {})
    return {name[len(_PREFIX) :]: int(value["N"]) for name, value in item.items() if name.startswith(_PREFIX)}


def change_in(record: Mapping[str, Any]) -> Change:
    """Read a record of the table's stream.

    Raises:
        Exception: of any kind, when the record is not one of ours.
    """
    stream = record["dynamodb"]
    before, after = _counted(stream.get("OldImage")), _counted(stream.get("NewImage"))
    counts = before != after
    return Change(
        event_id=str(record["eventID"]),
        position=str(stream["SequenceNumber"]),
        deltas=difference(keys.tenant_of(stream["Keys"]["pk"]["S"]), before, after) if counts else {},
    )


def _counted(image: Mapping[str, Any] | None) -> dict[tuple[str, str], int]:
    """What a row counts for, by collection and name: 1, or the amount that is written with the name."""
    text = (image or {}).get("counted_in", {"S": "[]"})["S"]
    weights: dict[tuple[str, str], int] = {}
    for entry in json.loads(text):
        collection, _, counted = str(entry).rpartition("|")
        name, _, amount = counted.partition("=")
        if not collection or not name:
            raise ValueError("counted_in holds <collection>|<name> or <collection>|<name>=<amount>")
        weights[(collection, name)] = weights.get((collection, name), 0) + int(amount or "1")
    return weights


def apply(changes: Sequence[Change]) -> None:
    """Add ``changes`` to the counters and mark them as added, in one transaction (N2).

    Raises:
        AppliedBefore: some were added before; nothing was written.
        UncountableError: DynamoDB finds one of them wrong; nothing was written.
        Unavailable: the counters are contended, throttled or away.
    """
    order = [change.event_id for change in changes]
    try:
        run(lambda tx: _plan(tx, changes))
    except AppliedBefore as refusal:
        raise AppliedBefore(_refused(refusal, order)) from refusal
    except Invalid as error:  # one change that alone needs more writes than a transaction has
        raise UncountableError from error
    except PynamoDBException as error:
        if code_of(error) in _REFUSED:
            raise UncountableError from error
        raise Unavailable from error


def _plan(tx: Transaction, changes: Sequence[Change]) -> None:
    ttl = int(time.time()) + _KEEP_MARKERS_SECONDS
    for change in changes:
        tx.add(AppliedRow(*keys.applied(change.event_id), ttl=ttl), AppliedBefore(frozenset({change.event_id})))
    for tally, deltas in total(changes).items():
        counts = [Path([_PREFIX + name]).add(delta) for name, delta in deltas.items()]
        row = CounterRow(*keys.counter(tally.tenant, tally.collection))
        tx.update(row, [*counts, CounterRow.kind.set(CounterRow)])


def _refused(refusal: AppliedBefore, order: Sequence[str]) -> frozenset[str]:
    """All markers that were in the way, so that a batch delivered again costs one refusal and not one per record."""
    cause = refusal.__cause__
    reasons = cause.cancellation_reasons if isinstance(cause, TransactWriteError) else []
    # Markers are the only conditional writes, and the first ones.
    found = {
        event_id
        for event_id, reason in zip(order, reasons, strict=False)
        if reason is not None and reason.code == "ConditionalCheckFailed"
    }
    return refusal.event_ids | found
