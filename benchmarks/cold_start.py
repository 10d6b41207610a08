"""Cold starts: initialisation as the Lambda runtime interface emulator measures it, beside an empty handler's.

The emulator is the binary inside aws-sam-cli. Where it is not installed, the runtime client's own loader is run in a
fresh interpreter instead, and the whole process is timed.
"""

import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.build import ROOT, Build
from benchmarks.shop import ENVIRONMENT

EMPTY = "(empty handler)"
_EMPTY_CODE = "def handler(event, context):\n    return {}\n"
_BINARY = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}
_LOADER = "import sys; from awslambdaric.bootstrap import _get_handler; _get_handler(sys.argv[1])"
_SECONDS = 60


@dataclass(frozen=True)
class ColdStart:
    function: str
    milliseconds: float
    ratio: float  # to the empty handler
    pays: bool

    def as_json(self) -> dict[str, Any]:
        return {"function": self.function, "milliseconds": self.milliseconds, "ratio": self.ratio}


def emulator() -> Path | None:
    """The runtime interface emulator in the project's SAM environment."""
    name = _BINARY.get(platform.machine(), "-")
    return next(ROOT.glob(f".till/venvs/sam/lib/*/site-packages/samcli/local/rapid/{name}"), None)


def measure(build: Build, functions: Mapping[str, tuple[Path, bool]], rounds: int) -> list[ColdStart]:
    """Start each function ``rounds`` times, in turns.

    Args:
        functions: by logical id, the file below ``functions/`` and whether it takes payments.
    """
    empty = build.functions / "empty" / "empty_handler.py"
    empty.parent.mkdir(exist_ok=True)
    empty.write_text(_EMPTY_CODE)
    asked = {EMPTY: (empty.relative_to(build.functions), True), **functions}
    binary = emulator()
    taken: dict[str, list[float]] = {function: [] for function in asked}
    for _ in range(rounds):
        for function, (file, _) in asked.items():
            paths = os.pathsep.join([*build.paths(file), str(build.runtime)])
            environment = {**ENVIRONMENT, "PYTHONPATH": paths, "LAMBDA_TASK_ROOT": str(build.functions / file.parent)}
            handler = f"{file.stem}.handler"
            taken[function].append(_emulated(binary, handler, environment) if binary else _loaded(handler, environment))
            print(".", end="", file=sys.stderr, flush=True)
    base = statistics.median(taken[EMPTY])
    return [
        ColdStart(function, statistics.median(taken[function]), statistics.median(taken[function]) / base, pays)
        for function, (_, pays) in asked.items()
    ]


def _python(*more: str) -> Sequence[str]:
    return [sys.executable, "-S", *more]  # -S: nothing of this environment but what PYTHONPATH names


def _emulated(binary: Path, handler: str, environment: Mapping[str, str]) -> float:
    """Milliseconds of the emulator's INIT REPORT: from starting the runtime to its asking for work."""
    here = [f"127.0.0.1:{_free_port()}", f"127.0.0.1:{_free_port()}"]
    command = [str(binary), "--runtime-interface-emulator-address", here[0], "--runtime-api-address", here[1]]
    with subprocess.Popen(
        [*command, *_python("-m", "awslambdaric", handler)],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            _invoke(f"http://{here[0]}/2015-03-31/functions/function/invocations")
        finally:
            running.terminate()
        log = running.communicate()[1]
    found = re.search(r"INIT REPORT\(durationMs: ([\d.]+)", log)
    if found is None:
        raise RuntimeError(f"{handler} did not start:\n{log}")
    return float(found[1])


def _invoke(url: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            with urlopen(Request(url, data=b"{}"), timeout=_SECONDS) as answer:
                answer.read()
            return
        except URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _loaded(handler: str, environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(_python("-c", _LOADER, handler), env=dict(environment), check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000
