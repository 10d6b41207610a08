"""Counting calls: of credentials, which go on where counting fails, and of strangers, who must not guess for ever."""

from commerce.kernel import clock
from commerce.kernel.errors import RateLimited, Unavailable
from commerce.limits import store
from commerce.limits.model import Moment, Quota, Standing, Usage
from commerce.observability import count_event, logger
from commerce.table.keys import Key

_ATTEMPTS = 8  # a second is rarely needed: only where calls at the same time find the row at a turn


def charge(key: Key, quota: Quota, known: Usage, timezone: str = "UTC") -> Standing:
    """Count one call, unless ``quota`` refuses it, which then writes nothing (contract RL-03).

    Args:
        known: what was read of the row at ``key``; when that is old news, the row's own answer is taken.

    Raises:
        Unavailable: the table is busy or away.
    """
    now = Moment.of(clock.now(), timezone)
    for _ in range(_ATTEMPTS):
        if not quota.admits(known, now):
            return quota.refusal(known, now)
        counted, known = store.count(key, quota, known, now)
        if counted:
            return quota.standing(known, now)
    raise Unavailable


def charge_or_let_pass(key: Key, quota: Quota, known: Usage, timezone: str) -> Standing:
    """Count one call of a good credential. Where it cannot be counted it passes, and is told what was known before."""
    try:
        return charge(key, quota, known, timezone)
    except Unavailable:
        logger.warning("call not counted")
        count_event("UncountedCalls")
        return standing(quota, known, timezone)


def standing(quota: Quota, known: Usage, timezone: str) -> Standing:
    """Where somebody stands, without a further call."""
    return quota.standing(known, Moment.of(clock.now(), timezone))


def require_admitted(standing: Standing) -> None:
    """Raise RateLimited for a call that was refused; all refusals read the same."""
    if standing.retry_after:
        raise RateLimited("Too many requests; try again after Retry-After seconds", retry_after=standing.retry_after)
