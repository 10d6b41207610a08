"""Runs alone in a fresh interpreter: import libraries, then a handler, and print what each took.

``fresh_import.py <paths> <libraries> <handler>``; the first two are JSON lists. Nothing of the repository is imported.
"""

import sys
import time

before = set(sys.modules)

import importlib  # noqa: E402
import json  # noqa: E402

paths, libraries, handler = json.loads(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
sys.path[:0] = paths
began = time.perf_counter()
for name in libraries:
    importlib.import_module(name)
reached = time.perf_counter()
importlib.import_module(handler)
ended = time.perf_counter()

from pathlib import Path  # noqa: E402

# The peak of this program alone; getrusage would count what it was forked from.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
answer = {
    "libraries": reached - began,
    "handler": ended - reached,
    "kilobytes": int(status["VmHWM"].split()[0]),
    "loaded": {name: getattr(sys.modules[name], "__file__", None) for name in sys.modules if name not in before},
}
print(json.dumps(answer))
