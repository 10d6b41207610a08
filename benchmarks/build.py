"""The compiled tree that functions run from: what ``sam build`` makes, without installing anything.

Libraries are copied from this environment, where the layers' own pinned requirements are installed, and kept below
``.till/bench`` until the pins change. Everything is compiled as the layer's Makefile compiles it.
"""

import compileall
import hashlib
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).resolve().parent.parent
_REQUIREMENTS = [ROOT / "layers" / layer / "requirements.txt" for layer in ("common", "documents")]
_RUNTIME = ("awslambdaric", "snapshot_restore_py", "simplejson")  # Lambda's own side of a function


@dataclass(frozen=True)
class Build:
    libraries: Path  # third-party packages of the layer
    runtime: Path  # the Lambda runtime client
    commerce: Path  # the folder that holds the package
    functions: Path

    def paths(self, file: Path) -> list[str]:
        """``sys.path`` of the function in ``functions/<file>``: its own folder first, as on Lambda."""
        return [str(self.functions / file.parent), str(self.commerce), str(self.libraries)]


def build(target: Path) -> Build:
    """Build into ``target``, a temporary folder; libraries into their lasting one."""
    pinned = "\n".join(file.read_text() for file in _REQUIREMENTS)
    pins = re.findall(r"^([A-Za-z0-9_.\-]+)==(\S+)", pinned, re.MULTILINE)
    mark = hashlib.sha256(repr((pins, sys.version)).encode()).hexdigest()[:16]
    kept = ROOT / ".till" / "bench" / mark
    if not kept.exists():
        print("copying and compiling the libraries …", file=sys.stderr, flush=True)
        unfinished = kept.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy((name for name, _ in pins), unfinished / "libraries")
        _copy(_RUNTIME, unfinished / "runtime")
        _compile(unfinished)
        unfinished.rename(kept)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "layers" / "common" / "commerce", target / "layer" / "commerce", ignore=ignored)
    shutil.copytree(ROOT / "functions", target / "functions", ignore=ignored)
    _compile(target)
    return Build(kept / "libraries", kept / "runtime", target / "layer", target / "functions")


def _copy(names: Iterable[str], target: Path) -> None:
    for name in names:
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), target / file)


def _compile(folder: Path) -> None:
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
