"""Keep the counters in step with the table, exactly once per change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commerce.counters import store
from commerce.counters.model import Change, chunks
from commerce.kernel.errors import Unavailable
from commerce.observability import logger


def count(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Apply a batch of the table's stream; give the positions of the records that could not be applied.

    Counting commutes, so what follows a bad record is counted too: when the stream gives up on the bad one, nothing
    else is lost with it. Records delivered again are recognised and left out.
    """
    failed: list[str] = []
    changes: dict[str, Change] = {}
    for record in records:
        try:
            change = store.change_in(record)
        except Exception:  # noqa: BLE001  whatever is wrong with one record must not stop the others
            logger.exception("unreadable stream record")
            failed.append(_position(record))
        else:
            if change.deltas:
                changes[change.event_id] = change
    for chunk in chunks(list(changes.values()), store.WRITES_AT_ONCE):
        failed += _apply(chunk)
    return failed


def _apply(changes: Sequence[Change]) -> list[str]:
    """Apply ``changes``; halve them around one that DynamoDB refuses for good."""
    if not changes:
        return []
    try:
        store.apply(changes)
    except store.AppliedBefore as before:
        return _apply([change for change in changes if change.event_id not in before.event_ids])
    except Unavailable:
        logger.warning("counters are busy")
        return [change.position for change in changes]
    except store.UncountableError:
        if len(changes) > 1:
            middle = len(changes) // 2
            return _apply(changes[:middle]) + _apply(changes[middle:])
        logger.exception("change cannot be counted")
        return [changes[0].position]
    return []


def _position(record: Mapping[str, Any]) -> str:
    stream = record.get("dynamodb")
    return str(stream.get("SequenceNumber", "")) if isinstance(stream, Mapping) else ""
