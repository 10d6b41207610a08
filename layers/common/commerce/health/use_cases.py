"""Check the platform, and say how well it is."""

from collections.abc import Callable, Mapping

from commerce.health import store
from commerce.health.model import Health, Part, State, judge
from commerce.kernel import clock


def check(probe: Callable[[], Mapping[Part, State]]) -> Mapping[Part, State]:
    """Probe every part and record what was found."""
    states = probe()
    store.record(clock.now(), states)
    return states


def current() -> Health:
    """The platform's health now (contract HM-01).

    Raises:
        Unavailable: the database cannot be read, so nothing can be said.
    """
    now = clock.now()
    return judge(store.recent(now), now)
