"""What is to happen by itself, and when: the clock moves from one task to the next in the order they fall due."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .accounts import Account, Origin
from .clock import Clock

type Source = Callable[[Account], Iterator["Task"]]


@dataclass(frozen=True, slots=True)
class Task:
    """Something due at a moment, for one object. Running it must change what made it due."""

    due: int
    what: str
    object_id: str
    run: Callable[[Account, str], None]


def run_until(target: int, clock: Clock, accounts: Iterable[Account], sources: tuple[Source, ...]) -> Counter[str]:
    """Move the clock to ``target``, running all that falls due on the way at its own time; give how often each ran.

    Tasks of the same second run by account, then in the order of the sources, then oldest object first: the same
    inputs give the same events.
    """
    ran: Counter[str] = Counter()
    running = clock.frozen_at is None
    listed = list(accounts)
    clock.freeze(clock.now())
    try:
        while (found := _first(target, listed, sources)) is not None:
            account, task = found
            clock.freeze(max(task.due, clock.now()))
            with account.acting(Origin()):
                # Looked up again under the lock: a request may have come between.
                if _next(account, target, sources) == task:
                    task.run(account, task.object_id)
                    ran[task.what] += 1
        clock.freeze(max(target, clock.now()))
    finally:
        if running:
            clock.thaw()
    return ran


def _first(target: int, accounts: list[Account], sources: tuple[Source, ...]) -> tuple[Account, Task] | None:
    found = [(account, task) for account in accounts if (task := _next(account, target, sources)) is not None]
    return min(found, key=lambda pair: pair[1].due, default=None)


def _next(account: Account, target: int, sources: tuple[Source, ...]) -> Task | None:
    with account.lock:
        due = [task for source in sources for task in source(account) if task.due <= target]
    return min(due, key=lambda task: task.due, default=None)
