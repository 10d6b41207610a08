"""Tables for people to read."""

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import costs
from benchmarks.calls import READS, STRIPE, WRITES
from benchmarks.cold_start import ColdStart
from benchmarks.handlers import Measured
from benchmarks.imports import Imported
from benchmarks.targets import Verdict


def machine() -> str:
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns; the first one left, the others right unless they are words."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    words = {0} | {column for column, head in enumerate(heads) if head in ("reads", "writes", "other", "result")}
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in words else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def of_handlers(found: Iterable[Measured]) -> str:
    return table(
        ("warm call", "reads", "RRU", "writes", "WRU", "Stripe", "other", "own ms"),
        (
            (
                each.subject.title,
                _named(each, READS),
                _units(each.calls.read_units),
                _named(each, WRITES),
                _units(each.calls.write_units),
                str(each.calls.made[STRIPE] or "-"),
                _named(each, frozenset(each.calls.made) - READS - WRITES - {STRIPE}),
                "-" if each.milliseconds is None else f"{each.milliseconds:.2f}",
            )
            for each in found
        ),
    )


def of_imports(found: Iterable[Imported]) -> str:
    return table(
        ("import", "ms", "x its libraries", "peak MB", "modules", "stripe"),
        (
            (
                each.function,
                f"{each.milliseconds:.0f}",
                f"{each.ratio:.2f}",
                f"{each.megabytes:.0f}",
                str(len(each.modules)),
                "yes" if each.loads_stripe else "-",
            )
            for each in found
        ),
    )


def of_cold_starts(found: Iterable[ColdStart]) -> str:
    rows = ((each.function, f"{each.milliseconds:.0f}", f"{each.ratio:.1f}") for each in found)
    return table(("cold start", "init ms", "x an empty handler"), rows)


def of_targets(verdicts: Iterable[Verdict]) -> str:
    lines = []
    for each in verdicts:
        lines.append(f"{'pass' if each.passed else 'FAIL'}  {each.target}  [{each.measured}]")
        lines += [f"        {miss}" for miss in each.misses]
    return "\n".join(lines)


def _named(found: Measured, names: frozenset[str]) -> str:
    made = [(name, found.calls.made[name]) for name in sorted(names) if found.calls.made[name]]
    return " ".join(name if times == 1 else f"{times}x{name}" for name, times in made) or "-"


def _units(units: float) -> str:
    return f"{units:g}" if units else "-"


def as_json(
    handlers: Sequence[Measured],
    imports: Iterable[Imported],
    cold_starts: Iterable[ColdStart],
    verdicts: Iterable[Verdict],
) -> dict[str, Any]:
    return {
        "machine": machine(),
        "handlers": [each.as_json() for each in handlers],
        "costs": {title: float(cost.total * 1000) for title, cost in costs.of_all(handlers).items()},
        "imports": [each.as_json() for each in imports],
        "cold_starts": [each.as_json() for each in cold_starts],
        "targets": [{"target": each.target, "passed": each.passed, "misses": list(each.misses)} for each in verdicts],
    }
