"""The stand-in's clock: real time plus what the control API has added, or a moment it was stopped at."""

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """Tell the time in whole seconds since the epoch. It never goes back."""

    offset_seconds: int = 0
    frozen_at: int | None = None
    """The moment the clock stands at; None while it runs."""

    def now(self) -> int:
        """Give the stand-in's idea of now, as Stripe writes ``created``."""
        return int(time.time()) + self.offset_seconds if self.frozen_at is None else self.frozen_at

    def freeze(self, moment: int) -> None:
        """Stop the clock at ``moment``; raise ValueError for one that is past."""
        if moment < self.now():
            raise ValueError("the clock only goes forward")
        self.frozen_at = moment

    def thaw(self) -> None:
        """Let a stopped clock run on from where it stands."""
        if self.frozen_at is not None:
            self.offset_seconds = self.frozen_at - int(time.time())
            self.frozen_at = None

    def reset(self) -> None:
        """Go back to real time, which is for a stand-in that forgets everything else too."""
        self.offset_seconds = 0
        self.frozen_at = None
