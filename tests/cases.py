"""Many cases in one test."""

from collections.abc import Callable, Iterable
from typing import Any


def try_each[Case](cases: Iterable[Case], attempt: Callable[[Case], Any]) -> None:
    """Try every case, also after one failed; what failed comes together, each with its case.

    Raises:
        ExceptionGroup: of the AssertionErrors.
    """
    tried, failures = 0, []
    for case in cases:
        tried += 1
        try:
            attempt(case)
        except AssertionError as failure:
            failure.add_note(f"This was {case!r:.300}")
            failures.append(failure)
    assert tried
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {tried} cases", failures)
