"""One row per day of checks, of the platform and not of a tenant (patterns H1, H2)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pynamodb.attributes import NumberAttribute
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.update import Action

from commerce.health.model import DAYS, Day, Part, State
from commerce.kernel.errors import Unavailable
from commerce.table import keys
from commerce.table.reading import partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import run

_KEEP_DAYS = 2 * DAYS


class HealthDayRow(Row, discriminator="health_day"):
    first_at = InstantAttribute()
    checked_at = InstantAttribute()
    checks = NumberAttribute()
    checks_ok = NumberAttribute()
    states = DocumentAttribute()

    def to_day(self) -> Day:
        return Day(
            first_at=self.first_at,
            checked_at=self.checked_at,
            checks=int(self.checks),
            checks_ok=int(self.checks_ok),
            states={Part(part): State(state) for part, state in self.states.items()},
        )


def record(at: datetime, states: Mapping[Part, State]) -> None:
    """Add one check to its day (H1)."""
    row = HealthDayRow(*keys.health_day(_day(at)))
    ok = all(state is State.OPERATIONAL for state in states.values())
    actions: list[Action] = [
        HealthDayRow.kind.set(HealthDayRow),
        HealthDayRow.first_at.set(HealthDayRow.first_at | at),
        HealthDayRow.checked_at.set(at),
        HealthDayRow.states.set({str(part): str(state) for part, state in states.items()}),
        HealthDayRow.checks.add(1),
        HealthDayRow.checks_ok.add(int(ok)),
        HealthDayRow.ttl.set(int(at.timestamp()) + _KEEP_DAYS * 24 * 3600),
    ]
    run(lambda tx: tx.update(row, actions))


def recent(now: datetime) -> list[Day]:
    """The days of the last 30, in one query (H2).

    Raises:
        Unavailable: the table cannot be read.
    """
    pk, today = keys.health_day(_day(now))
    first = _day(now - timedelta(days=DAYS - 1))
    try:
        rows = partition(pk, HealthDayRow.sk.between(first, today))
    except PynamoDBException as error:
        raise Unavailable("The database cannot be read") from error
    return [row.to_day() for row in rows if isinstance(row, HealthDayRow)]


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()
