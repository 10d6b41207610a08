"""Measure Till: ``python -m benchmarks`` prints what each endpoint costs, and whether the targets hold.

The exit code is 1 when one is missed. A timing that misses its target is measured once more before it counts.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "common"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "documents"))

from benchmarks import cold_start, costs, handlers, imports, report, targets
from benchmarks.build import ROOT, Build, build
from benchmarks.shop import open_shop

HEADER = """Till's benchmarks. {machine}

Warm calls: each handler in this process over a shop of {rows} products, customers, orders and API keys on moto.
  reads, writes, other   AWS calls of one warm call, by kind
  RRU, WRU               DynamoDB read and write units, computed from the sizes of the items, indexes included
  own ms                 processor time with the answers of AWS and Stripe given at once, median of {rounds} calls
"""
IMPORTS = """
Imports: fresh interpreters, compiled as in the layer; milliseconds are medians, memory is the peak.
  x its libraries        import of the handler, to importing alone the third-party modules that it needs
"""
STARTED = "under the Lambda runtime interface emulator"
LOADED = "the emulator is not installed: fresh interpreters with the runtime client's loader instead"
FEW_ROWS = 12  # where nothing is timed
ROUNDS, IMPORT_ROUNDS, START_ROUNDS = 30, 5, 5
SLOWEST = 4  # functions to start cold, beside the authorizer and a payment
ALWAYS = ("AuthorizerAuthorizeRequest", "AdminCreatePaymentIntent")


def main() -> int:
    """Measure, print, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What each endpoint of Till costs.")
    parser.add_argument("--quick", action="store_true", help="count calls and units only; time nothing")
    parser.add_argument("--only", default="", metavar="NAME", help="routes and functions whose name contains NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument("--costs", action="store_true", help="print what calls cost on AWS, as the README's table")
    asked = parser.parse_args()
    if asked.costs:
        found = _handlers("", FEW_ROWS, 0)
        print(costs.as_markdown(costs.of_all(found)), costs.counted_of_return(found), sep="\n\n")
        return 0
    rows, rounds = (FEW_ROWS, 0) if asked.quick else (55, ROUNDS)

    print(HEADER.format(machine=report.machine(), rows=rows, rounds=rounds or "no"), flush=True)
    measured = _handlers(asked.only, rows, rounds)
    print(report.of_handlers(measured), flush=True)
    verdicts = targets.of_counts(measured)
    imported: list[imports.Imported] = []
    started: list[cold_start.ColdStart] = []
    if not asked.quick:
        verdicts.append(targets.of_times(measured))
        with tempfile.TemporaryDirectory() as folder:
            tree = build(Path(folder))
            print(IMPORTS, flush=True)
            imported = _imports(asked.only, tree)
            print(report.of_imports(imported), flush=True)
            print(f"\nCold starts: {STARTED if cold_start.emulator() else LOADED}.\n", flush=True)
            started = _cold_starts(imported, tree)
            print(report.of_cold_starts(started), flush=True)
        verdicts += [*targets.of_imports(imported), targets.of_cold_starts(started)]
    print(f"\nTargets\n{report.of_targets(verdicts)}")
    if asked.json is not None:
        asked.json.write_text(json.dumps(report.as_json(measured, imported, started, verdicts), indent=1) + "\n")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _handlers(only: str, rows: int, rounds: int) -> list[handlers.Measured]:
    with open_shop(rows) as shop:
        chosen = [subject for subject in handlers.SUBJECTS if only.lower() in subject.title.lower()]
        found = [handlers.measure(shop, subject, rounds) for subject in chosen]
        found = [handlers.measure(shop, each.subject, rounds) if targets.too_slow(each) else each for each in found]
    print(file=sys.stderr)
    return found


def _imports(only: str, tree: Build) -> list[imports.Imported]:
    folder = ROOT / "functions"
    files: Iterable[Path] = (file.relative_to(folder) for file in sorted(folder.rglob("*.py")))
    chosen = [file for file in files if only.lower().replace("-", "_") in str(file)]
    found = imports.measure(tree, chosen, IMPORT_ROUNDS)
    again = imports.measure(tree, [each.file for each in found if targets.too_heavy(each)], IMPORT_ROUNDS)
    print(file=sys.stderr)
    better = {each.function: each for each in again}
    return [better.get(each.function, each) for each in found]


def _cold_starts(imported: list[imports.Imported], tree: Build) -> list[cold_start.ColdStart]:
    """The heaviest functions that take no payment, and two of a kind of their own."""
    heaviest = sorted((each for each in imported if not each.pays), key=lambda each: -each.milliseconds)[:SLOWEST]
    chosen = {each.function: each for each in imported if each in heaviest or each.function in ALWAYS}
    asked = {name: (each.file, each.pays) for name, each in chosen.items()}
    found = cold_start.measure(tree, asked, START_ROUNDS)
    if any(targets.too_cold(each) for each in found):
        found = cold_start.measure(tree, asked, START_ROUNDS)
    print(file=sys.stderr)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
