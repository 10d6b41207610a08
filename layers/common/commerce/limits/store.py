"""What is kept of somebody's calls: one row each, counted up in place (pattern R2)."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from commerce.kernel.errors import Unavailable
from commerce.limits.model import SECOND, Moment, Quota, Usage
from commerce.table.keys import Key
from commerce.table.reading import get
from commerce.table.rows import Row, connection
from commerce.table.transaction import code_of, is_temporary

_KEEP_SECONDS = 2 * 24 * 3600  # longer than any local day; a row is no loss once its calls are worked off


class LimitRow(Row, discriminator="limit"):
    until = NumberAttribute()  # Unix microseconds
    day = UnicodeAttribute()  # local date
    day_calls = NumberAttribute()


def find(key: Key) -> Usage:
    """What is kept at ``key`` (R1).

    Raises:
        Unavailable: the table cannot be read.
    """
    return to_usage(get(key))


def to_usage(row: Row | None) -> Usage:
    """What a row that was read says (R1); nothing yet where there is none."""
    if not isinstance(row, LimitRow):
        return Usage()
    return Usage(until=int(row.until), day=row.day, day_calls=int(row.day_calls))


def count(key: Key, quota: Quota, known: Usage, now: Moment) -> tuple[bool, Usage]:
    """Count one call that ``quota`` admits as far as ``known`` tells; give whether it was, and what is kept now (R2).

    The conditions are ranges, under which calls at the same time do not disturb each other: each finds the row as the
    one before left it. Only where ``known`` is on the other side of a turn (no row, worked off, another day) is the
    call not counted, and what is kept now comes back with that answer.

    Raises:
        Unavailable: the table is busy or away.
    """
    try:
        answer = connection().connection.dispatch("UpdateItem", _request(key, quota, known, now))
    except (BotoCoreError, ClientError) as cause:
        error, refusal = UpdateError("A call cannot be counted", cause), cause.__cause__
        # pynamodb hands on the error, and leaves the row that came with it to botocore's own.
        if code_of(error) == "ConditionalCheckFailedException" and isinstance(refusal, ClientError):
            return False, _read(refusal.response.get("Item"))
        if is_temporary(error):
            raise Unavailable from error
        raise error from cause
    return True, _read(answer["Attributes"])


def _request(key: Key, quota: Quota, known: Usage, now: Moment) -> dict[str, Any]:
    after = quota.charge(known, now)
    worked_off, same_day = known.until < now.at, known.day == after.day
    actions: list[Action] = [
        LimitRow.until.set(after.until if worked_off else LimitRow.until + quota.interval),
        LimitRow.day_calls.set(LimitRow.day_calls + 1 if same_day else 1),
        LimitRow.ttl.set((now.at + quota.horizon) // SECOND + _KEEP_SECONDS),
    ]
    if not same_day:
        actions += [LimitRow.kind.set(LimitRow), LimitRow.day.set(after.day)]
    return dict(
        connection().get_operation_kwargs(
            *key,
            actions=actions,
            condition=_condition(quota, known, now),
            return_values="ALL_NEW",
            return_values_on_condition_failure="ALL_OLD",
        )
    )


def _condition(quota: Quota, known: Usage, now: Moment) -> Condition:
    """That the row is on the same side of every turn as ``known``, and that there is room for the call."""
    if known == Usage():
        return Row.pk.does_not_exist()
    condition: Condition = LimitRow.day == known.day
    if known.until < now.at:
        condition &= LimitRow.until < now.at
    else:
        condition &= LimitRow.until.between(now.at, now.at + quota.horizon - quota.interval)
    if quota.daily is not None and known.day >= now.day:
        condition &= LimitRow.day_calls < quota.daily
    return condition


def _read(item: dict[str, Any] | None) -> Usage:
    return to_usage(LimitRow.from_raw_data(item) if item else None)
