"""What can go wrong, in the domain's words. HTTP statuses and envelopes are the surfaces' business.

``code`` is one of the seven documented codes; the finer ``reason`` travels in ``details[].code`` (contract 4.3).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing wrong: where (``field``), in words (``message``) and for programs (``code``)."""

    field: str
    message: str
    code: str


class CommerceError(Exception):
    """Any refusal that a caller should see. Never put a secret, an address or a body into its message."""

    code = "server_error"

    def __init__(
        self, message: str, *, field: str = "", reason: str = "", details: tuple[Detail, ...] = (), retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after  # seconds; 0 = say nothing
        self.details = details or ((Detail(field, message, reason or self.code),) if field or reason else ())

    @property
    def reason(self) -> str:
        """The first detail's code, or the error's own."""
        return self.details[0].code if self.details else self.code


class Malformed(CommerceError):
    """The request cannot be read: not JSON, an unknown parameter, a parameter that is not a number."""

    code = "validation_error"


class Invalid(CommerceError):
    """The request reads well and asks for something that cannot be."""

    code = "validation_error"


class TooLarge(CommerceError):
    """The body is larger than this surface takes."""

    code = "validation_error"


class Unauthenticated(CommerceError):
    """No credential, or one that is not good."""

    code = "authentication_error"


class Forbidden(CommerceError):
    """A good credential that does not open this door."""

    code = "authorization_error"


class NotFound(CommerceError):
    """Not there, or not yours: the answer is the same."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"No such {what}")


class Conflict(CommerceError):
    """It clashes with what is stored: duplicate, stale version, illegal move, no stock."""

    code = "conflict"


class IllegalMove(Conflict):
    """A state machine does not list this move."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="status", reason="illegal_transition")


class StaleWrite(Conflict):
    """Somebody else wrote the aggregate since it was read. The unit of work reads again and retries."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} changed while this request was under way", reason="concurrent_change")


class VersionMismatch(Conflict):
    """The caller changed what it read, and it has changed since (``If-Match``)."""

    def __init__(self, what: str, version: int) -> None:
        super().__init__(
            f"The {what} is at version {version} by now; read it again", field="version", reason="version_mismatch"
        )


def require_version(actual: int, expected: int | None, what: str) -> None:
    """Raise VersionMismatch unless ``what`` is still at the version that the caller read; None expects nothing."""
    if expected is not None and expected != actual:
        raise VersionMismatch(what, actual)


class RateLimited(CommerceError):
    """Too many calls."""

    code = "rate_limit_exceeded"


class Unavailable(CommerceError):
    """A dependency is busy or away; the same request may succeed later."""

    code = "server_error"

    def __init__(self, message: str = "Temporarily unavailable, try again", *, retry_after: int = 1) -> None:
        super().__init__(message, retry_after=retry_after)
