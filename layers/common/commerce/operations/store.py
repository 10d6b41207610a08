"""Rows of idempotent operations (patterns I1, I2)."""

import time
from contextlib import suppress
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, PutError
from pynamodb.expressions.condition import Condition

from commerce.kernel.errors import Unavailable
from commerce.operations.model import Answer, Operation
from commerce.table import keys
from commerce.table.reading import get
from commerce.table.rows import Row
from commerce.table.transaction import Transaction, code_of, is_temporary

_CLAIMS = 3  # of a key that is released each time between finding it taken and reading it
_KEEP_SECONDS = 3 * 24 * 3600  # replays are promised for 24 hours


class OperationRow(Row, discriminator="operation"):
    fingerprint = UnicodeAttribute()
    lease = UnicodeAttribute()  # token of the attempt that may complete the operation
    lease_until = NumberAttribute()  # Unix seconds
    status = NumberAttribute(null=True)  # HTTP status, once completed
    body = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an earlier attempt with the same key left."""

    fingerprint: str
    answer: Answer | None
    lease_until: float


def claim(operation: Operation) -> Recorded | None:
    """Take the operation's lease; give what is recorded when somebody else has it or has completed it (I1)."""
    row = _row(operation)
    row.fingerprint, row.lease, row.lease_until = operation.fingerprint, operation.lease, operation.lease_until
    row.ttl = int(time.time()) + _KEEP_SECONDS
    free = OperationRow.pk.does_not_exist() | (
        OperationRow.status.does_not_exist()
        & (OperationRow.lease_until < time.time())
        & (OperationRow.fingerprint == operation.fingerprint)
    )
    for _ in range(_CLAIMS):
        if _take(row, free):
            return None
        found = get(keys.operation(operation.tenant, operation.principal_id, operation.key))
        if isinstance(found, OperationRow):  # our own claim, where it was sent twice because the first answer was lost
            return None if found.lease == operation.lease else _recorded(found)
    raise Unavailable("The same request is still under way", retry_after=1)


def _take(row: OperationRow, free: Condition) -> bool:
    try:
        row.save(condition=free)
    except PutError as error:
        if code_of(error) == "ConditionalCheckFailedException":
            return False
        if is_temporary(error):
            raise Unavailable from error
        raise
    return True


def _recorded(row: OperationRow) -> Recorded:
    answer = None if row.status is None else Answer(int(row.status), row.body or "")
    return Recorded(fingerprint=row.fingerprint, answer=answer, lease_until=float(row.lease_until))


def complete(tx: Transaction, operation: Operation, answer: Answer) -> None:
    """Record the answer in the transaction of the effect, if this attempt still holds the lease (I2)."""
    tx.update(
        _row(operation),
        [OperationRow.status.set(answer.status), OperationRow.body.set(answer.body)],
        OperationRow.lease == operation.lease,
        Unavailable("Another attempt took over this request", retry_after=1),
    )


def release(operation: Operation) -> None:
    """Give the lease back after a refusal, which leaves no trace."""
    with suppress(DeleteError):  # else the lease runs out by itself
        _row(operation).delete(condition=(OperationRow.lease == operation.lease) & OperationRow.status.does_not_exist())


def _row(operation: Operation) -> OperationRow:
    key = keys.operation(operation.tenant, operation.principal_id, operation.key)
    return OperationRow(key.pk, key.sk)
