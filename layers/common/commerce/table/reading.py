"""Reading rows: one by key, several by key, a page of a list."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pynamodb.exceptions import DoesNotExist, PynamoDBException

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.kernel.paging import Page, PageRequest, sign, verify
from commerce.table import keys
from commerce.table.keys import Key
from commerce.table.rows import Row
from commerce.table.transaction import is_temporary

_BATCH = 100  # of BatchGetItem


def get(key: Key) -> Row | None:
    """One row, strongly consistent, or None."""

    def fetch() -> Row | None:
        try:
            return Row.get(key.pk, key.sk, consistent_read=True)
        except DoesNotExist:
            return None

    return _guarded(fetch)


def get_all(wanted: Iterable[Key]) -> dict[Key, Row]:
    """The rows that exist among ``wanted``, strongly consistent, 100 to a call."""
    unique = list(dict.fromkeys(wanted))
    found: dict[Key, Row] = {}
    for start in range(0, len(unique), _BATCH):
        chunk = unique[start : start + _BATCH]
        for row in _guarded(lambda chunk=chunk: list(Row.batch_get(chunk, consistent_read=True))):  # type: ignore[misc]
            found[Key(row.pk, row.sk)] = row
    return found


def partition(pk: str, condition: Any = None, *, newest_first: bool = False, limit: int | None = None) -> list[Row]:
    """The rows of one partition, strongly consistent, in order of their sort key."""
    return _guarded(
        lambda: list(Row.query(pk, condition, consistent_read=True, scan_index_forward=not newest_first, limit=limit))
    )


def page[T](
    tenant: Tenant,
    request: PageRequest,
    read: Callable[[Row], T],
    *,
    pk: str,
    index: str | None,
    query_name: str,
    ascending: bool = False,
    condition: Any = None,
    keep: Any = None,
    total: int | None = None,
) -> Page[T]:
    """One page of a list.

    Args:
        pk: partition of the table, or of ``index``.
        query_name: what the caller asked for, filters and order included; cursors are bound to it.
        condition: on the sort key. ``keep``: a filter on other attributes, for partitions that are small by nature.
    """
    scope = f"{keys.partition(tenant)}\0{query_name}"
    start = _start(verify(request.cursor, scope=scope)) if request.cursor is not None else None
    wanted = request.offset + request.limit + 1  # one more tells whether a further page exists

    def fetch() -> Sequence[Row]:
        return list(
            Row.query(
                pk,
                condition,
                keep,
                index_name=index,
                scan_index_forward=ascending,
                limit=wanted,
                page_size=wanted if keep is None else None,
                last_evaluated_key=start,
            )
        )

    rows = _guarded(fetch)
    shown = rows[request.offset : request.offset + request.limit]
    more = len(rows) == wanted
    return Page(
        items=tuple(read(row) for row in shown),
        request=request,
        next_cursor=sign(_position(shown[-1], index), scope=scope) if more and shown else None,
        total=total,
    )


def _position(row: Row, index: str | None) -> dict[str, str]:
    names = ["pk", "sk", *([f"{index}pk", f"{index}sk"] if index else [])]
    return {name: getattr(row, name) for name in names}


def _start(position: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in position.items()}


def _guarded[T](call: Callable[[], T]) -> T:
    """Turn throttles and lost connections that outlasted botocore's own retries into 503."""
    try:
        return call()
    except PynamoDBException as error:
        if is_temporary(error):
            raise Unavailable from error
        raise
