"""The execution of a return's workflow, as the table knows it.

The return says where it stands; an execution follows, one move after another. What it waits for it has noted here with
the token that ends its waiting. An execution that is lost is replaced: its successor has the next generation, begins at
the beginning, and finds what is done already done.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from commerce.returns.model import FINAL, MOVES, Return, ReturnStatus

LOOK_AFTER = timedelta(minutes=5)  # time enough for an event to arrive and a task to be tried again
LOOK_AT_LEAST_EVERY = timedelta(hours=6)


class LabelOutcome(StrEnum):
    """What became of the mail with the label."""

    MAILED = "mailed"
    REFUSED = "refused"  # nobody can be reached at the customer's address
    NOT_NEEDED = "not_needed"  # the return has moved on


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits for the return to leave ``status``; of two, the one with the later ``since`` is the newer."""

    status: ReturnStatus
    token: str
    since: str

    @classmethod
    def asked(cls, status: ReturnStatus, token: str, entered_at: str, retry: int) -> "Waiting":
        """``entered_at`` and ``retry`` are Step Functions' own: when the state was entered, and which try this is."""
        return cls(status, token, f"{entered_at}#{retry:03d}")


@dataclass(frozen=True, slots=True)
class ReturnWorkflow:
    """``generation`` is the execution that there should be, ``started`` the newest one that there is.

    ``look_at`` is when to look whether it goes on; None once the return has ended.
    """

    return_id: str
    begun_at: datetime
    look_at: datetime | None
    generation: int = 1
    started: int = 0
    waiting: Waiting | None = None
    label: LabelOutcome | None = None
    version: int = 1

    @classmethod
    def of(cls, return_id: str, now: datetime) -> "ReturnWorkflow":
        return cls(return_id, now, now + LOOK_AFTER)

    @property
    def is_started(self) -> bool:
        return self.started == self.generation

    @property
    def execution(self) -> str:
        """The execution's name: no two of them ever have the same."""
        return self.name_of(self.generation)

    def name_of(self, generation: int) -> str:
        return self.return_id if generation == 1 else f"{self.return_id}-{generation}"

    def follows(self, ret: Return, now: datetime) -> bool:
        """Whether it waits where the return stands, or has had no time to come there."""
        waits_there = self.waiting is not None and self.waiting.status is ret.status
        return waits_there or now - ret.updated_at < LOOK_AFTER

    def changed(self, **changes: Any) -> "ReturnWorkflow":
        """The same one version on, with ``changes``."""
        return replace(self, version=self.version + 1, **changes)

    def again(self) -> "ReturnWorkflow":
        """The same with a new execution to be started."""
        return self.changed(generation=self.generation + 1, waiting=None)

    def looked_after(self, ret: Return, now: datetime) -> "ReturnWorkflow":
        """The same with the next time to look: the later, the longer it goes on; none once the return has ended."""
        if ret.status in FINAL:
            return self.changed(look_at=None)
        return self.changed(look_at=now + min(max(now - self.begun_at, LOOK_AFTER), LOOK_AT_LEAST_EVERY))


def next_move(here: ReturnStatus, there: ReturnStatus) -> ReturnStatus | None:
    """The first move from ``here`` on the shortest way to ``there``; None where no way leads there, or it is here."""
    way = _way(here, there)
    return way[0] if way else None


def _way(here: ReturnStatus, there: ReturnStatus) -> tuple[ReturnStatus, ...] | None:
    if here is there:
        return ()
    ways = [(target, *rest) for target in sorted(MOVES[here]) if (rest := _way(target, there)) is not None]
    return min(ways, key=len, default=None)
