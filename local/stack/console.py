"""What the stack says while it starts: one line per step, with its seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Console:
    """Steps on a terminal or in a log; ``quiet`` for tests that have their own output."""

    def __init__(self, *, quiet: bool = False, to: TextIO | None = None) -> None:
        self._to = to or sys.stdout
        self._quiet = quiet

    def say(self, text: str = "") -> None:
        if not self._quiet:
            print(text, file=self._to, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Show a step; what is appended to the yielded list is shown behind its seconds."""
        began = time.monotonic()
        notes: list[str] = []
        if not self._quiet:
            print(f"  {name:<34}", end="", file=self._to, flush=True)
        try:
            yield notes
        except BaseException:
            self.say(" failed")
            raise
        self.say(f"{time.monotonic() - began:6.1f} s  {', '.join(notes)}".rstrip())

    def progress(self, name: str, done: int, total: int) -> None:
        """Rewrite the step's line in place, on terminals only."""
        if not self._quiet and self._to.isatty():
            print(f"\r  {name:<34}{done:>4} of {total}", end="", file=self._to, flush=True)
            if done == total:
                print(f"\r  {name:<34}{' ' * 14}\r  {name:<34}", end="", file=self._to, flush=True)
