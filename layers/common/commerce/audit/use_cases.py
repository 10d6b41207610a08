"""Keep the audit log in step with the table, exactly once per change (contract AL-01)."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from commerce.audit import store
from commerce.kernel.errors import Unavailable
from commerce.observability import logger


def record(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Write what a batch of the table's stream tells; give the positions of the records that could not be told of.

    Entries stand for themselves, so what follows a bad record is told of too. A record that is delivered again has the
    same entry, and finds it written.
    """
    plan_of = cache(store.plan_of)
    failed: list[str] = []
    for each in records:
        try:
            entry = store.entry_in(each, plan_of)
            if entry is not None:
                store.write(entry)
        except Unavailable:
            logger.warning("audit log is busy")
        except Exception:  # noqa: BLE001  whatever is wrong with one record must not stop the others
            logger.exception("change cannot be told of")
        else:
            continue
        failed.append(_position(each))
    return failed


def _position(record: Mapping[str, Any]) -> str:
    stream = record.get("dynamodb")
    return str(stream.get("SequenceNumber", "")) if isinstance(stream, Mapping) else ""
