"""Run a change exactly once: with the caller's key if there is one, and always as one transaction."""

import math
import time
from collections.abc import Callable

from commerce.kernel.cause import Cause
from commerce.kernel.errors import CommerceError, Conflict
from commerce.operations import store
from commerce.operations.model import Answer, Operation
from commerce.table.transaction import Transaction, rehearse, run

__all__ = ["Transaction", "perform", "rehearse", "run"]


class InFlight(Conflict):
    """The same key is being worked on."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("A request with this Idempotency-Key is still under way", reason="idempotency_in_flight")
        self.retry_after = retry_after


def perform(plan: Callable[[Transaction], Answer], operation: Operation | None, cause: Cause) -> Answer:
    """Plan the change, and commit it together with the record of its answer.

    Without an operation the change is still one transaction, guarded by its own conditions.

    Raises:
        Conflict: the key was used for another request, is in flight (then with ``retry_after``), or had a secret
            for an answer longer ago than secrets are repeated.
        CommerceError: what the plan refused; the key is free again.
    """
    if operation is None:
        return run(plan, cause)
    earlier = store.claim(operation)
    if earlier is not None:
        return _replay(earlier, operation)

    def recorded(tx: Transaction) -> Answer:
        answer = plan(tx)
        store.complete(tx, operation, _sealed(answer, operation))
        return answer

    try:
        return run(recorded, cause, operation.operation_id)
    except CommerceError:
        store.release(operation)
        raise


def _replay(earlier: store.Recorded, operation: Operation) -> Answer:
    if earlier.fingerprint != operation.fingerprint:
        raise Conflict(
            "This Idempotency-Key was used for another request", field="Idempotency-Key", reason="idempotency_mismatch"
        )
    if earlier.answer is None:
        raise InFlight(retry_after=max(1, math.ceil(earlier.lease_until - time.time())))
    return Answer(earlier.answer.status, _opened(earlier.answer.body, operation), replayed=True)


def _sealed(answer: Answer, operation: Operation) -> Answer:
    if not operation.secret:
        return answer
    from commerce.operations import sealing  # the cryptography library, for secret answers only

    return Answer(answer.status, sealing.seal(answer.body, operation))


def _opened(body: str, operation: Operation) -> str:
    if not operation.secret:
        return body
    from commerce.operations import sealing

    return sealing.unseal(body, operation)
