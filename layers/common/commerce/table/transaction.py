"""One business change is one ``TransactWriteItems``: everything in it, or nothing.

A use case adds its writes to a ``Transaction``; whoever began the unit of work commits it once. Each write says what a
failed condition means in the domain's words, so a refusal needs no decoding by the caller.
"""

import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from botocore.exceptions import BotoCoreError
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from commerce.kernel.cause import SYSTEM, Cause
from commerce.kernel.errors import CommerceError, Conflict, Invalid, StaleWrite, Unavailable
from commerce.table import keys
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


class Stopped(Exception):
    """A rehearsal came to a call that it must not make."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a transaction, for people: ``action`` is check, delete, put or update; ``kind`` the row's kind."""

    action: str
    kind: str


class Transaction:
    """Writes that stand or fall together, and who caused them.

    ``operation_id`` names the unit of work: the same however often it is planned and, where the caller gave an
    Idempotency-Key, tried.
    """

    def __init__(self, cause: Cause = SYSTEM, *, rehearsal: bool = False, operation_id: str = "") -> None:
        self.cause = cause
        self.rehearsal = rehearsal
        self.operation_id = operation_id or uuid.uuid4().hex
        self.calls: list[str] = []  # where a rehearsal stopped
        self._checks: list[tuple[Row, Condition, CommerceError]] = []
        self._deletes: list[tuple[Row, Condition | None, CommerceError]] = []
        self._puts: list[tuple[Row, Condition | None, CommerceError]] = []
        self._updates: list[tuple[Row, list[Action], Condition | None, CommerceError]] = []

    def check(self, row: Row, condition: Condition, otherwise: CommerceError) -> None:
        """Demand ``condition`` of a row that this transaction does not write."""
        self._checks.append((row, condition, otherwise))

    def put(self, row: Row, condition: Condition | None = None, otherwise: CommerceError | None = None) -> None:
        """Write a whole row."""
        if row.audited:
            row.cause = asdict(self.cause)
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
        caused = [Row.cause.set(asdict(self.cause))] if row.audited else []
        self._updates.append((row, [*actions, *caused], condition, otherwise or StaleWrite("row")))

    def delete(self, row: Row, condition: Condition | None = None, otherwise: CommerceError | None = None) -> None:
        """Remove the row with ``row``'s key."""
        self._deletes.append((row, condition, otherwise or StaleWrite("row")))

    def outside(self, call: str) -> None:
        """Say that the plan is about to call somebody else, who would do it for good: a rehearsal ends here.

        Raises:
            Stopped: this is a rehearsal.
        """
        if self.rehearsal:
            self.calls.append(call)
            raise Stopped

    @property
    def writes(self) -> list[Write]:
        """What the transaction holds, in the order in which it was planned per kind of write."""
        groups: list[tuple[str, list[Row]]] = [
            ("check", [row for row, _, _ in self._checks]),
            ("put", [row for row, _, _ in self._puts]),
            ("update", [row for row, _, _, _ in self._updates]),
            ("delete", [row for row, _, _ in self._deletes]),
        ]
        return [
            Write(action, str(type(row).kind.get_discriminator(type(row)))) for action, rows in groups for row in rows
        ]

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
        if len(self) + self.rehearsal > MAX_ACTIONS:
            raise Invalid(
                f"This change needs {len(self)} writes and {MAX_ACTIONS} fit in one; split it", reason="too_large"
            )
        # The token makes a retry of a call whose answer was lost the same transaction to DynamoDB (10 minutes).
        write = TransactWrite(connection=connection().connection, client_request_token=str(uuid.uuid4()))
        meanings = self._fill(write)
        try:
            write._commit()
        except TransactWriteError as error:
            found = _meaning(error, meanings)
            if not isinstance(found, _Rehearsed):
                raise found from error

    def _fill(self, write: TransactWrite) -> list[CommerceError]:
        """Hand everything to pynamodb; give what each action's failed condition means, in the order of the reasons."""
        # pynamodb sends checks, deletes, puts, updates in this order, and the reasons come back in the same one.
        meanings: list[CommerceError] = []
        for row, condition, meaning in self._checks:
            write.condition_check(type(row), row.pk, row.sk, condition=condition)
            meanings.append(meaning)
        if self.rehearsal:
            # DynamoDB judges every condition and, because this one never holds, writes nothing.
            write.condition_check(Row, *keys.NOWHERE, condition=Row.pk.exists())
            meanings.append(_Rehearsed())
        for row, delete_condition, meaning in self._deletes:
            write.delete(row, condition=delete_condition)
            meanings.append(meaning)
        for row, put_condition, meaning in self._puts:
            write.save(row, condition=put_condition)
            meanings.append(meaning)
        for row, actions, update_condition, meaning in self._updates:
            write.update(row, actions=actions, condition=update_condition)
            meanings.append(meaning)
        return meanings


def _kind(row: Row) -> str:
    return str(type(row).kind.get_discriminator(type(row)))


class _Rehearsed(CommerceError):
    """Of all conditions, only the one that never holds did not."""

    def __init__(self) -> None:
        super().__init__("Nothing was written")


def _meaning(error: TransactWriteError, meanings: list[CommerceError]) -> Exception:
    reasons = list(error.cancellation_reasons)
    failed = [
        meaning
        for reason, meaning in zip(reasons, meanings, strict=False)
        if reason is not None and reason.code == "ConditionalCheckFailed"
    ]
    refused = [meaning for meaning in failed if not isinstance(meaning, _Rehearsed)]
    if refused:  # where what was read is stale, planning anew says whether the rest is refused still
        return next((each for each in refused if isinstance(each, StaleWrite)), refused[0])
    if any(reason is not None and reason.code in _BUSY for reason in reasons) or is_busy(error):
        return Contended()
    if _is_too_large(error):
        return Invalid("This is more than can be stored at once; make it smaller", reason="too_large")
    if failed:
        return failed[0]
    return Unavailable() if is_away(error) else error


def _is_too_large(error: TransactWriteError) -> bool:
    """Whether a row is beyond 400 KB, or all of them together beyond 4 MB."""
    said = [reason.message for reason in error.cancellation_reasons if reason and reason.code == "ValidationError"]
    if code_of(error) == "ValidationException":
        said.append(error.cause_response_message)
    return any("size" in str(each).lower() or "4 MB" in str(each) for each in said)


def code_of(error: PynamoDBException) -> str | None:
    """DynamoDB's word for why it refused; None where no answer came, over which pynamodb's own property fails."""
    return None if is_away(error) else error.cause_response_code


def is_busy(error: PynamoDBException) -> bool:
    """Whether DynamoDB refused only for now."""
    return code_of(error) in _BUSY_CALL


def is_away(error: PynamoDBException) -> bool:
    """Whether no answer came: refused connections, time-outs. What was sent may have been done."""
    return isinstance(error.cause, BotoCoreError)


def is_temporary(error: PynamoDBException) -> bool:
    """Whether the same call may succeed later: busy, or away."""
    return is_busy(error) or is_away(error)


def run[T](plan: Callable[[Transaction], T], cause: Cause = SYSTEM, operation_id: str = "") -> T:
    """Read and plan with ``plan``, commit, and plan anew while others are writing the same rows.

    ``plan`` must do nothing but read, compute, add writes, and call what is idempotent.

    Raises:
        CommerceError: what ``plan`` or a failed condition refused.
        Unavailable: still contended after all attempts (503 with Retry-After, never 500).
    """
    operation_id = operation_id or uuid.uuid4().hex
    return _attempt(lambda: _run_once(plan, Transaction(cause, operation_id=operation_id)))


def rehearse[T](plan: Callable[[Transaction], T], cause: Cause = SYSTEM) -> tuple[T | None, Transaction]:
    """Plan as ``run`` does and let DynamoDB judge the conditions, but write nothing.

    Gives what the plan answered, or None where it stopped before a call to somebody else; and the transaction, which
    knows its writes and that call.

    Raises:
        CommerceError: what ``run`` would have refused.
    """
    return _attempt(lambda: _rehearse_once(plan, Transaction(cause, rehearsal=True)))


def _run_once[T](plan: Callable[[Transaction], T], transaction: Transaction) -> T:
    result = plan(transaction)
    transaction.commit()
    return result


def _rehearse_once[T](plan: Callable[[Transaction], T], transaction: Transaction) -> tuple[T | None, Transaction]:
    try:
        return _run_once(plan, transaction), transaction
    except Stopped:
        transaction.commit()
        return None, transaction


def _attempt[T](once: Callable[[], T]) -> T:
    for attempt in range(_ATTEMPTS):
        try:
            return once()
        except (Contended, StaleWrite) as contention:
            if attempt + 1 == _ATTEMPTS:
                raise (contention if isinstance(contention, StaleWrite) else Unavailable()) from contention
            _pause(attempt)
    raise Unavailable


def _pause(attempt: int) -> None:
    """Full jitter, bounded: 10, 20, 40 … 640 ms at most."""
    time.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.64)))
