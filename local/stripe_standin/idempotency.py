"""Idempotency keys. Source: https://docs.stripe.com/api/idempotent_requests.

The first answer given after execution began is kept and given again, a 402 and a 500 included. What was refused before
execution (authentication, parameters, rate limit) is not kept.
"""

import threading
from dataclasses import dataclass, field

from .errors import StripeError
from .shapes import JsonObject

KEPT_SECONDS = 24 * 60 * 60
MAXIMUM_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, with the id of the request that first got them."""

    status: int
    body: JsonObject
    request_id: str


@dataclass(slots=True)
class _Record:
    path: str
    fingerprint: str
    created: int
    answer: Answer | None = None


@dataclass(slots=True)
class IdempotencyKeys:
    """One account's keys. Safe under threads: of any number of callers with one key, one executes."""

    _records: dict[str, _Record] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, key: str, path: str, fingerprint: str, now: int) -> Answer | None:
        """Reserve ``key``, or give the answer kept under it. A reservation ends in ``keep`` or ``forget``.

        Raises:
            StripeError: 400 ``idempotency_error`` when the key belongs to another request, 409
                ``idempotency_key_in_use`` while the first request is still executing.
        """
        if len(key) > MAXIMUM_LENGTH:
            raise StripeError(400, "idempotency_error", f"Idempotency keys are at most {MAXIMUM_LENGTH} characters.")
        with self._lock:
            record = self._records.get(key)
            if record is None or (record.answer is not None and record.created + KEPT_SECONDS <= now):
                self._records[key] = _Record(path, fingerprint, now)
                return None
            _refuse_another_request(key, record, path, fingerprint)
            if record.answer is None:
                raise StripeError(
                    409,
                    "idempotency_error",
                    "There is currently another in-progress request using this Idempotent Key (that probably means you "
                    f"submitted twice, and the other request is still going through): {key}. Please try again later.",
                    code="idempotency_key_in_use",
                )
            return record.answer

    def keep(self, key: str, answer: Answer) -> None:
        """Store the answer of the request that reserved ``key``."""
        with self._lock:
            record = self._records.get(key)
            if record is not None:
                record.answer = answer

    def forget(self, key: str) -> None:
        """Give the reservation back: the request never began to execute."""
        with self._lock:
            record = self._records.get(key)
            if record is not None and record.answer is None:
                del self._records[key]

    def __len__(self) -> int:
        """Count the keys, reserved ones included."""
        return len(self._records)

    def to_json(self) -> JsonObject:
        """Give what must outlive the process: the kept answers."""
        with self._lock:
            return {
                key: {
                    "path": record.path,
                    "fingerprint": record.fingerprint,
                    "created": record.created,
                    "status": record.answer.status,
                    "body": record.answer.body,
                    "request_id": record.answer.request_id,
                }
                for key, record in self._records.items()
                if record.answer is not None
            }

    def load(self, saved: JsonObject) -> None:
        """Take back what ``to_json`` gave."""
        with self._lock:
            for key, row in saved.items():
                answer = Answer(row["status"], row["body"], row["request_id"])
                self._records[key] = _Record(row["path"], row["fingerprint"], row["created"], answer)


def _refuse_another_request(key: str, record: _Record, path: str, fingerprint: str) -> None:
    if record.path != path:
        what = f"for the same endpoint they were first used for ('{record.path}' vs '{path}')"
    elif record.fingerprint != fingerprint:
        what = "with the same parameters they were first used with"
    else:
        return
    raise StripeError(
        400,
        "idempotency_error",
        f"Keys for idempotent requests can only be used {what}. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
    )
