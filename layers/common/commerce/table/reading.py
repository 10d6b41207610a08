"""Reading rows: one by key, several by key, a page of a list."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby, repeat
from typing import Any

from pynamodb.exceptions import DoesNotExist, PynamoDBException

from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import Unavailable
from commerce.kernel.paging import MAX_OFFSET_ROWS, Page, PageRequest, sign, verify
from commerce.kernel.periods import Period
from commerce.table import keys
from commerce.table.keys import Key
from commerce.table.rows import Row
from commerce.table.transaction import is_temporary

_BATCH = 100  # of BatchGetItem
_LOOKS = 8  # rows looked at for a row shown, before a page comes out short


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


def partition(
    pk: str, condition: Any = None, *, newest_first: bool = False, limit: int | None = None, keep: Any = None
) -> list[Row]:
    """The rows of one partition, strongly consistent, in order of their sort key; ``keep`` filters other attributes."""
    return _guarded(
        lambda: list(
            Row.query(pk, condition, keep, consistent_read=True, scan_index_forward=not newest_first, limit=limit)
        )
    )


def stream(
    pk: str,
    condition: Any = None,
    *,
    index: str | None = None,
    page_size: int = 1000,
    newest_first: bool = False,
) -> Iterator[Row]:
    """The rows of a partition of the table or of an index, in order, fetched a page at a time as they are asked for."""
    found = Row.query(pk, condition, index_name=index, page_size=page_size, scan_index_forward=not newest_first)
    rows = iter(found)
    while (row := _guarded(lambda: next(rows, None))) is not None:
        yield row


def due(shard_of: Callable[[int], str], now: datetime, limit: int, *, index: str) -> list[Row]:
    """What an index of due things holds up to ``now``: at most ``limit`` of each shard, the longest due first."""
    key = getattr(Row, f"{index}sk")
    return [
        row
        for shard in range(keys.EXPIRY_SHARDS)
        for row in Row.query(shard_of(shard), key <= sortable(now), index_name=index, limit=limit)
    ]


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


@dataclass(frozen=True, slots=True)
class Source[L]:
    """A partition to merge into a page: of the table, or of the page's index. ``listing`` is whose it is."""

    pk: str
    rank: int
    listing: L


def merged[T, L](
    tenant: Tenant,
    request: PageRequest,
    read: Callable[[Row], T],
    *,
    sources: Sequence[Source[L]],
    index: str | None,
    query_name: str,
    ascending: bool,
    lower: str | None,
    upper: str | None,
    shows: Callable[[T, L], bool],
    total: int | None = None,
) -> Page[T]:
    """One page of several lists that are kept in the same order: by rank, and merged within a rank.

    A cursor is the last key that was looked at. All copies of a row have the same sort keys, so that it is a position
    in each of the lists. A page for which ``shows`` leaves out much comes out short, with more to follow.

    Args:
        sources: in order of rank; those of one rank cost a query each.
        lower, upper: between which keys of the order rows are read; no row has these very keys.
        shows: whether a row that was found in a list is shown there.
        query_name: what the caller asked for, filters and order included; cursors are bound to it.
    """
    scope = f"{keys.partition(tenant)}\0{query_name}"
    position = verify(request.cursor, scope=scope) if request.cursor is not None else {"rank": "0", "after": ""}
    wanted = request.offset + request.limit
    order = _Order(index, ascending, lower, upper, size=wanted + 1)  # one more tells whether a further page exists
    kept: list[T] = []
    rows = _in_order(sources, order, int(position["rank"]), position["after"])
    for looked_at, (source, row) in enumerate(rows):
        entity = read(row)
        if shows(entity, source.listing):
            if len(kept) == wanted:
                break
            kept.append(entity)
        elif looked_at >= _LOOKS * wanted:
            break
        position = {"rank": str(source.rank), "after": order.key(row)}
    else:
        position = {}
    return Page(
        items=tuple(kept[request.offset :]),
        request=request,
        next_cursor=sign(position, scope=scope) if position else None,
        total=total,
    )


@dataclass(frozen=True, slots=True)
class _Order:
    """Which part of its order a list is read in, ``size`` rows at a time."""

    index: str | None
    ascending: bool
    lower: str | None
    upper: str | None
    size: int

    def key(self, row: Row) -> str:
        return str(getattr(row, f"{self.index}sk" if self.index else "sk"))

    def rows(self, pk: str, after: str) -> Iterator[Row]:
        """The rows of a partition behind the key ``after`` (empty: all), fetched as they are asked for."""
        while True:
            low, high = (after, "") if self.ascending else ("", after)
            low, high = max(low, self.lower or ""), min(filter(None, (high, self.upper)), default="")
            if low and high and low > high:
                return
            size = self.size + bool(after)  # the row at ``after`` comes along, if it still stands there
            found = self._query(pk, low, high, size)
            yield from (row for row in found if self.key(row) != after)
            if len(found) < size:
                return
            after = self.key(found[-1])

    def _query(self, pk: str, low: str, high: str, size: int) -> list[Row]:
        key = getattr(Row, f"{self.index}sk" if self.index else "sk")
        if low and high:
            condition = key.between(low, high)
        elif low or high:
            condition = key >= low if low else key <= high
        else:
            condition = None
        return _guarded(
            lambda: list(
                Row.query(
                    pk,
                    condition,
                    index_name=self.index,
                    scan_index_forward=self.ascending,
                    limit=size,
                    page_size=size,
                )
            )
        )


def _in_order[L](sources: Sequence[Source[L]], order: _Order, rank: int, after: str) -> Iterator[tuple[Source[L], Row]]:
    """The rows of all lists from ``rank`` on, each with its list; of those of ``rank``, what is behind ``after``."""
    for own_rank, group in groupby(sources, key=lambda source: source.rank):
        if own_rank >= rank:
            behind = after if own_rank == rank else ""
            each = [zip(repeat(source), order.rows(source.pk, behind)) for source in group]
            yield from merge(*each, key=lambda found: order.key(found[1]), reverse=not order.ascending)


def in_period(period: Period, index: str | None = None) -> Any:
    """The condition on the sort key that lists in order of time (``keys.by_time``) meet in ``period``; None for any."""
    # Sort keys are an instant, "#" and more, so an instant alone stands before everything of that instant.
    sort_key = getattr(Row, f"{index}sk") if index else Row.sk
    start = sortable(period.start) if period.start else None
    end = sortable(period.end) if period.end else None
    if start is not None and end is not None:
        return sort_key.between(start, end)
    if start is not None:
        return sort_key >= start
    return None if end is None else sort_key < end


def count(pk: str, condition: Any, keep: Any = None, *, index: str | None = None) -> int | None:
    """How many rows a list holds under ``condition``; None beyond what page numbers reach."""
    counted = _guarded(lambda: Row.count(pk, condition, keep, index_name=index, limit=MAX_OFFSET_ROWS + 1))
    return counted if counted <= MAX_OFFSET_ROWS else None


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
