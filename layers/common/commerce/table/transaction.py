"""One business change is one ``TransactWriteItems``: everything in it, or nothing.

A use case adds its writes to a ``Transaction``; whoever began the unit of work commits it once. Each write says what a
failed condition means in the domain's words, so a refusal needs no decoding by the caller.
"""

import random
import time
import uuid
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from commerce.kernel.errors import CommerceError, Conflict, Invalid, StaleWrite, Unavailable
from commerce.table.rows import Row, connection

MAX_ACTIONS = 100  # of DynamoDB
_ATTEMPTS = 8
_BUSY = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_BUSY_CALL = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TransactionInProgressException",
        "TransactionConflictException",
        "InternalServerError",
    }
)


class Contended(Exception):
    """DynamoDB was busy with the same rows; nothing was written."""


class Transaction:
    """Writes that stand or fall together."""

    def __init__(self) -> None:
        self._checks: list[tuple[Row, Condition, CommerceError]] = []
        self._deletes: list[tuple[Row, Condition | None, CommerceError]] = []
        self._puts: list[tuple[Row, Condition | None, CommerceError]] = []
        self._updates: list[tuple[Row, list[Action], Condition | None, CommerceError]] = []

    def check(self, row: Row, condition: Condition, otherwise: CommerceError) -> None:
        """Demand ``condition`` of a row that this transaction does not write."""
        self._checks.append((row, condition, otherwise))

    def put(self, row: Row, condition: Condition | None = None, otherwise: CommerceError | None = None) -> None:
        """Write a whole row."""
        self._puts.append((row, condition, otherwise or Conflict("The row exists already")))

    def add(self, row: Row, otherwise: CommerceError | None = None) -> None:
        """Write a row that must not exist yet."""
        self.put(row, Row.pk.does_not_exist(), otherwise)

    def update(
        self,
        row: Row,
        actions: Sequence[Action],
        condition: Condition | None = None,
        otherwise: CommerceError | None = None,
    ) -> None:
        """Change attributes of the row with ``row``'s key."""
        self._updates.append((row, list(actions), condition, otherwise or StaleWrite("row")))

    def delete(self, row: Row, condition: Condition | None = None, otherwise: CommerceError | None = None) -> None:
        """Remove the row with ``row``'s key."""
        self._deletes.append((row, condition, otherwise or StaleWrite("row")))

    def __len__(self) -> int:
        return len(self._checks) + len(self._deletes) + len(self._puts) + len(self._updates)

    def commit(self) -> None:
        """Send everything as one transaction; do nothing when there is nothing to write.

        Raises:
            CommerceError: what the first failed condition stands for.
            Contended: another transaction holds one of the rows, or DynamoDB throttles; nothing was written.
        """
        if not len(self):
            return
        if len(self) > MAX_ACTIONS:
            raise Invalid(
                f"This change needs {len(self)} writes and {MAX_ACTIONS} fit in one; split it", reason="too_large"
            )
        # pynamodb sends checks, deletes, puts, updates in this order, and the reasons come back in the same one.
        meanings: list[CommerceError] = []
        # The token makes a retry of a call whose answer was lost the same transaction to DynamoDB (10 minutes).
        write = TransactWrite(connection=connection().connection, client_request_token=str(uuid.uuid4()))
        for row, condition, meaning in self._checks:
            write.condition_check(type(row), row.pk, row.sk, condition=condition)
            meanings.append(meaning)
        for row, delete_condition, meaning in self._deletes:
            write.delete(row, condition=delete_condition)
            meanings.append(meaning)
        for row, put_condition, meaning in self._puts:
            write.save(row, condition=put_condition)
            meanings.append(meaning)
        for row, actions, update_condition, meaning in self._updates:
            write.update(row, actions=actions, condition=update_condition)
            meanings.append(meaning)
        try:
            write._commit()
        except TransactWriteError as error:
            raise _meaning(error, meanings) from error


def _meaning(error: TransactWriteError, meanings: list[CommerceError]) -> Exception:
    reasons = list(error.cancellation_reasons)
    for reason, meaning in zip(reasons, meanings, strict=False):
        if reason is not None and reason.code == "ConditionalCheckFailed":
            return meaning
    if any(reason is not None and reason.code in _BUSY for reason in reasons):
        return Contended()
    if is_busy(error):
        return Contended()
    if _is_too_large(error):
        return Invalid("This is more than can be stored at once; make it smaller", reason="too_large")
    return Unavailable() if is_away(error) else error


def _is_too_large(error: TransactWriteError) -> bool:
    """Whether a row is beyond 400 KB, or all of them together beyond 4 MB."""
    said = [reason.message for reason in error.cancellation_reasons if reason and reason.code == "ValidationError"]
    if error.cause_response_code == "ValidationException":
        said.append(error.cause_response_message)
    return any("size" in str(each).lower() or "4 MB" in str(each) for each in said)


def is_busy(error: PynamoDBException) -> bool:
    """Whether DynamoDB refused only for now."""
    return error.cause_response_code in _BUSY_CALL


def is_away(error: PynamoDBException) -> bool:
    """Whether no answer came: refused connections, time-outs. What was sent may have been done."""
    return isinstance(error.cause, BotoCoreError)


def is_temporary(error: PynamoDBException) -> bool:
    """Whether the same call may succeed later: busy, or away."""
    return is_busy(error) or is_away(error)


def run[T](plan: Callable[[Transaction], T]) -> T:
    """Read and plan with ``plan``, commit, and plan anew while others are writing the same rows.

    ``plan`` must do nothing but read, compute, add writes, and call what is idempotent.

    Raises:
        CommerceError: what ``plan`` or a failed condition refused.
        Unavailable: still contended after all attempts (503 with Retry-After, never 500).
    """
    for attempt in range(_ATTEMPTS):
        transaction = Transaction()
        try:
            result = plan(transaction)
            transaction.commit()
        except (Contended, StaleWrite) as contention:
            if attempt + 1 == _ATTEMPTS:
                raise (contention if isinstance(contention, StaleWrite) else Unavailable()) from contention
            _pause(attempt)
        else:
            return result
    raise Unavailable


def _pause(attempt: int) -> None:
    """Full jitter, bounded: 10, 20, 40 … 640 ms at most."""
    time.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.64)))
