"""Counting rows: what a changed row adds to which counter."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from commerce.kernel.caller import Tenant


@dataclass(frozen=True, slots=True)
class Tally:
    """The counters of one collection of one tenant; they stand in one row."""

    tenant: Tenant
    collection: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one changed row adds: by tally, then by the counter's name.

    ``event_id`` names the change, ``position`` is its place in the stream (the sequence number).
    """

    event_id: str
    position: str
    deltas: Mapping[Tally, Mapping[str, int]]


def difference(
    tenant: Tenant, before: Mapping[tuple[str, str], int], after: Mapping[tuple[str, str], int]
) -> dict[Tally, dict[str, int]]:
    """What moves when a row counted in ``before`` becomes one counted in ``after``: by collection and name."""
    moved = Counter(after)
    moved.subtract(before)
    deltas: dict[Tally, dict[str, int]] = {}
    for (collection, name), delta in moved.items():
        if delta:
            deltas.setdefault(Tally(tenant, collection), {})[name] = delta
    return deltas


def total(changes: Iterable[Change]) -> dict[Tally, dict[str, int]]:
    """What ``changes`` add up to; what cancels out is left out."""
    sums: dict[Tally, Counter[str]] = {}
    for change in changes:
        for tally, deltas in change.deltas.items():
            sums.setdefault(tally, Counter()).update(deltas)
    moved = {tally: {name: delta for name, delta in names.items() if delta} for tally, names in sums.items()}
    return {tally: names for tally, names in moved.items() if names}


def chunks(changes: Sequence[Change], limit: int) -> list[list[Change]]:
    """Split ``changes`` in order so that a part needs at most ``limit`` writes: one per change and one per tally."""
    parts: list[list[Change]] = []
    tallies: set[Tally] = set()
    for change in changes:
        if not parts or len(parts[-1]) + 1 + len(tallies | change.deltas.keys()) > limit:
            parts.append([])
            tallies = set()
        parts[-1].append(change)
        tallies |= change.deltas.keys()
    return parts
