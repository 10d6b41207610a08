"""Faults to inject into the next calls."""

import re
import threading
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from .shapes import JsonObject


class Kind(StrEnum):
    """What goes wrong, and whether the request takes effect all the same."""

    RATE_LIMIT = "429"
    """Turned away; no effect."""
    ERROR_BEFORE = "500_before"
    """A 500; no effect, and nothing kept under the idempotency key."""
    ERROR_AFTER = "500_after"
    """A 500 after the effect, kept under the idempotency key."""
    RESET = "reset"
    """The connection is cut; no effect."""
    RESET_AFTER = "reset_after"
    """The connection is cut after the effect; the answer is kept under the idempotency key."""
    HANG = "hang"
    """Waits, then takes effect and answers, whether or not the caller is still there."""
    HANG_AFTER = "hang_after"
    """Takes effect at once, and answers late."""


@dataclass(slots=True)
class Fault:
    """One kind of fault for the calls ``route`` names: a route's name, or a regular expression over method and path."""

    route: str
    kind: Kind
    times: int = 1
    seconds: float = 10.0

    @classmethod
    def of(cls, row: JsonObject) -> "Fault":
        """Read one from the control API; raise ValueError or TypeError when it is not understood."""
        fault = cls(**row)
        re.compile(fault.route)
        fault.kind = Kind(fault.kind)
        if fault.times < 1 or fault.seconds < 0:
            raise ValueError("times must be at least 1, and seconds at least 0")
        return fault

    def hits(self, name: str, method: str, path: str) -> bool:
        """Tell whether a call is meant."""
        return self.route == name or re.fullmatch(self.route, f"{method} {path}") is not None


@dataclass(slots=True)
class Faults:
    """The faults still to come, each taken as often as it says. Safe under threads."""

    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, faults: list[Fault]) -> None:
        """Put faults behind those already waiting."""
        with self._lock:
            self._faults += faults

    def take(self, name: str, method: str, path: str) -> Fault | None:
        """Use up one turn of the first fault that hits this call."""
        with self._lock:
            for fault in self._faults:
                if fault.hits(name, method, path):
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                    return fault
            return None

    def clear(self) -> None:
        """Forget the faults still to come."""
        with self._lock:
            self._faults.clear()

    def to_json(self) -> list[JsonObject]:
        """Give the faults still to come."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]
