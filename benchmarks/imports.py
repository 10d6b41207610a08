"""What importing each handler costs a fresh interpreter, and how much of it is the libraries that it needs.

The libraries of a handler are the third-party modules found loaded after importing it. A fresh interpreter imports them
alone, in the order in which they were loaded, and then the handler, which finds them there: the second step is what our
own code adds. Both steps are in one process, so other work on the machine stretches both alike.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.build import Build
from local.generate_openapi import logical_id
from tests.template import template

_PROGRAM = Path(__file__).with_name("fresh_import.py")


@dataclass(frozen=True)
class Imported:
    function: str  # logical id
    file: Path  # below functions/
    milliseconds: float
    ratio: float  # to importing the libraries alone
    megabytes: float  # peak, resident
    modules: frozenset[str]
    pays: bool  # whether its role may read the Stripe secrets

    @property
    def loads_stripe(self) -> bool:
        return "stripe" in self.modules

    def as_json(self) -> dict[str, Any]:
        return {
            "function": self.function,
            "milliseconds": self.milliseconds,
            "ratio": self.ratio,
            "megabytes": self.megabytes,
            "loads_stripe": self.loads_stripe,
        }


def measure(build: Build, files: Sequence[Path], rounds: int) -> list[Imported]:
    """Import each handler file (below ``functions/``) ``rounds`` times."""
    found: list[Imported] = []
    for file in files:
        loaded: dict[str, str | None] = _run(build.paths(file), [], file.stem)["loaded"]
        own = str(build.libraries)
        libraries = [name for name, path in loaded.items() if path is not None and path.startswith(own)]
        runs = [_run(build.paths(file), libraries, file.stem) for _ in range(rounds)]
        function = logical_id(Path("functions") / file)
        found.append(
            Imported(
                function=function,
                file=file,
                milliseconds=1000 * statistics.median(run["libraries"] + run["handler"] for run in runs),
                ratio=statistics.median(1 + run["handler"] / run["libraries"] for run in runs),
                megabytes=max(run["kilobytes"] for run in runs) / 1024,
                modules=frozenset(loaded),
                pays=takes_payment(function),
            )
        )
        print(".", end="", file=sys.stderr, flush=True)
    return found


def takes_payment(function: str) -> bool:
    """Whether the template lets a function read a secret; only Stripe's are secrets of functions."""
    resources = template()["Resources"]
    role = resources[function]["Properties"]["Role"]["Fn::GetAtt"][0]
    return "secretsmanager:GetSecretValue" in json.dumps(resources[role], default=str)


def _run(paths: Sequence[str], libraries: Sequence[str], handler: str) -> Any:
    # Isolated and without site: no variable and no package of this environment reaches the measured interpreter.
    command = [sys.executable, "-I", "-S", str(_PROGRAM), json.dumps(paths), json.dumps(libraries), handler]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
