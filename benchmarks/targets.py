"""The targets, and whether what was measured meets them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.cold_start import EMPTY, ColdStart
from benchmarks.handlers import Measured, Target
from benchmarks.imports import Imported

MAX_MILLISECONDS = 3.0
MAX_IMPORT_RATIO = 1.15
MAX_COLD_RATIO = 8.0


@dataclass(frozen=True)
class Verdict:
    target: str
    measured: int  # how many things it was asked of
    misses: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.misses


def _one_query(found: Measured) -> bool:
    """One query, and one GetItem for the total that the page-numbered form shows."""
    made = found.calls.made
    return made["Query"] == 1 and made["GetItem"] <= 1 and found.calls.reads == made["Query"] + made["GetItem"]


def _one_transaction(found: Measured) -> bool:
    """The lease of an Idempotency-Key is one conditional put before it."""
    lease = found.calls.made["PutItem"] if found.subject.note == "Idempotency-Key" else 0
    return (
        found.calls.reads <= 4
        and found.calls.made["TransactWriteItems"] == 1
        and lease <= 1
        and found.calls.writes == 1 + lease
    )


COUNTS: dict[Target, tuple[str, Callable[[Measured], bool]]] = {
    Target.LIST: ("a list page is 1 query (and at most 1 GetItem for its total)", _one_query),
    Target.LIST_ON: (
        "a list page by cursor is exactly 1 query",
        lambda found: found.calls.reads == found.calls.made["Query"] == 1,
    ),
    Target.GET: ("a get is 1 read", lambda found: found.calls.reads <= 1 and not found.calls.writes),
    Target.CART: ("a cart is 2 reads: itself and the catalogue", lambda found: found.calls.reads <= 2),
    Target.AUTHORIZE: (
        "authorizing and counting a call is 1 read and 1 write unit",
        lambda found: found.calls.reads == 1 and found.calls.write_units <= 1,
    ),
    Target.STRANGER: (
        "counting a stranger's call is 2 reads and 1 write unit beside its own read",
        lambda found: found.calls.reads <= 3 and found.calls.write_units <= 1,
    ),
    Target.PLACE: ("placing an order is at most 4 reads and 1 transaction", _one_transaction),
}


def of_counts(found: Iterable[Measured]) -> list[Verdict]:
    """The targets for AWS calls."""
    found = list(found)
    verdicts = []
    for target, (words, holds) in COUNTS.items():
        asked = [each for each in found if each.subject.target is target]
        misses = tuple(f"{each.subject.title}: {dict(each.calls.made)}" for each in asked if not holds(each))
        verdicts.append(Verdict(words, len(asked), misses))
    return verdicts


def too_slow(found: Measured) -> bool:
    return found.subject.timed and found.milliseconds is not None and found.milliseconds > MAX_MILLISECONDS


def of_times(found: Iterable[Measured]) -> Verdict:
    """The target for the handlers' own milliseconds."""
    asked = [each for each in found if each.subject.timed]
    misses = tuple(f"{each.subject.title}: {each.milliseconds:.1f} ms" for each in asked if too_slow(each))
    return Verdict(f"a handler's own time is at most {MAX_MILLISECONDS:g} ms, median", len(asked), misses)


def too_heavy(found: Imported) -> bool:
    return found.ratio > MAX_IMPORT_RATIO


def of_imports(found: Iterable[Imported]) -> list[Verdict]:
    """The targets for imports."""
    found = list(found)
    strays = tuple(each.function for each in found if each.loads_stripe and not each.pays)
    heavy = tuple(f"{each.function}: {each.ratio:.2f}" for each in found if too_heavy(each))
    return [
        Verdict("only payment functions import stripe", len(found), strays),
        Verdict(f"initialisation is at most {MAX_IMPORT_RATIO:g} x its libraries", len(found), heavy),
    ]


def too_cold(found: ColdStart) -> bool:
    return found.function != EMPTY and not found.pays and found.ratio > MAX_COLD_RATIO


def of_cold_starts(found: Iterable[ColdStart]) -> Verdict:
    """The target for cold starts."""
    found = [each for each in found if each.function != EMPTY and not each.pays]
    misses = tuple(f"{each.function}: {each.ratio:.1f}" for each in found if too_cold(each))
    words = f"initialisation without payments is at most {MAX_COLD_RATIO:g} x an empty handler's"
    return Verdict(words, len(found), misses)
