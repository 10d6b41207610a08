"""Idempotent operations (contract 4.7).

An operation is one request with an ``Idempotency-Key``: (tenant, principal, key). States:

    absent ──claim──► leased ──complete, in the effect's own transaction──► completed
                        │ └──refused──► absent
                        └──lease over (the process died)──► claimed anew
"""

import hashlib
from dataclasses import dataclass

from commerce.kernel import wire_json
from commerce.kernel.caller import Tenant


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is told: an HTTP status and a JSON text (empty for none).

    ``version`` is that of the object in it, where it has one; a replayed answer has forgotten it.
    """

    status: int
    body: str
    replayed: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One attempt at a keyed request.

    ``fingerprint`` is of method, path and body; ``lease`` is this attempt's token; ``lease_until`` in Unix seconds is
    when the attempt cannot be alive any more. The answer of a ``secret`` operation is recorded sealed.
    """

    tenant: Tenant
    principal_id: str
    key: str
    fingerprint: str
    lease: str
    lease_until: float
    secret: bool = False

    @property
    def operation_id(self) -> str:
        """What all attempts have in common, and no other request has."""
        tenant = self.tenant
        named = [tenant.tenant_id, str(tenant.mode), self.principal_id, self.key, self.fingerprint]
        return hashlib.sha256(wire_json.canonical(named).encode()).hexdigest()[:32]
