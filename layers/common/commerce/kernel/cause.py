"""Who caused a change, from where: what the audit log says of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """``actor`` as ``Caller.actor`` writes it; ``address`` and ``agent`` of the request, empty where none was made."""

    actor: str
    address: str = ""
    agent: str = ""
    request_id: str = ""


SYSTEM = Cause(actor="system:till")
