"""The stand-in's clock: real time plus what the control API has added."""

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """Tell the time in whole seconds since the epoch. It never goes back."""

    offset_seconds: int = 0

    def now(self) -> int:
        """Give the stand-in's idea of now, as Stripe writes ``created``."""
        return int(time.time()) + self.offset_seconds

    def advance(self, seconds: int) -> None:
        """Move the clock ``seconds`` forward; raise ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        self.offset_seconds += seconds
