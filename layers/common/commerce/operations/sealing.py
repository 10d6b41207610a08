"""Answers that hold a secret are recorded sealed, and opened again for 15 minutes only (contract 4.7)."""

import base64
import os

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from commerce.kernel import clock, wire_json
from commerce.kernel.errors import Conflict
from commerce.operations.model import Operation

REPLAYABLE_SECONDS = 15 * 60


def seal(body: str, operation: Operation) -> str:
    """``body`` encrypted for the replay of this operation alone."""
    return _cipher(operation).encrypt_at_time(body.encode(), int(clock.now().timestamp())).decode()


def unseal(sealed: str, operation: Operation) -> str:
    """The body that was sealed.

    Raises:
        Conflict: it was sealed over 15 minutes ago, or the stack's secret was replaced since.
    """
    try:
        opened = _cipher(operation).decrypt_at_time(
            sealed.encode(), ttl=REPLAYABLE_SECONDS, current_time=int(clock.now().timestamp())
        )
    except InvalidToken:
        raise Conflict(
            "This request was done; its answer held a secret and is not repeated any more",
            field="Idempotency-Key",
            reason="secret_not_replayable",
        ) from None
    return opened.decode()


def _cipher(operation: Operation) -> Fernet:
    # CURSOR_KEY is the stack's one server secret. HKDF (RFC 5869) makes of it a key that is of no use for cursors,
    # another one for each operation: a row copied to another caller's key does not open.
    tenant = operation.tenant
    info = wire_json.canonical(
        ["sealed answer", tenant.tenant_id, str(tenant.mode), operation.principal_id, operation.key]
    )
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(os.environ["CURSOR_KEY"].encode())))
