"""``make down``: stop a running stack by its recorded process id; ``--fresh`` also forgets its data."""

import argparse
import json
import os
import shutil
import signal
import time

from local.stack.console import Console
from local.stack.processes import is_running
from local.stack.settings import Ports, Settings
from local.stack.stack import stop_leftovers

PATIENCE_SECONDS = 120


def _stop(settings: Settings) -> bool:
    """Stop what the record names; False when it does not end."""
    record = json.loads(settings.running.read_text())
    pid = record["pid"]
    if not is_running(pid, command="local.up"):
        stop_leftovers(settings)
        return True
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_running(pid, command="local.up"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def main() -> int:
    """Stop, and forget when asked to; 1 when the stack does not stop."""
    parser = argparse.ArgumentParser(prog="python -m local.down", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget the shop's data and keys")
    fresh = parser.parse_args().fresh
    settings = Settings(Ports.from_environment())
    console = Console()
    if settings.running.exists():
        with console.step("stopping"):
            stopped = _stop(settings)
        if not stopped:
            console.say("The stack does not end; its main process is in .till/running.json.")
            return 1
    else:
        console.say("  No stack is running.")
    if fresh:
        shutil.rmtree(settings.data, ignore_errors=True)
        settings.environment_file.unlink(missing_ok=True)
        console.say("  Its data is forgotten.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
