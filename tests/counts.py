"""Figures that tests note down with ``record_property``, added up and shown at the end, also of parallel workers."""

from collections import Counter, defaultdict
from typing import Any


def show(terminalreporter: Any, *titles: str) -> None:
    """One line for each title: under it tests noted how many of which kind they saw."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for report in terminalreporter.stats.get("passed", []):
        for title, counted in report.user_properties:
            if title in titles:
                sums[title].update(counted)
    for title, kinds in sums.items():
        shown = ", ".join(f"{kind} {times}" for kind, times in sorted(kinds.items()))
        terminalreporter.write_line(f"{kinds.total():5} {title}: {shown}")
