"""PINs (contract X-06): six digits, kept as a keyed hash only.

A PIN is derived from the stack's key, the card and a generation that counts up when it is replaced. So a process that
dies after a change and before its mail sends the very same PIN on its retry, and no PIN is ever in a queue or a row.
"""

import hashlib
import hmac
import os

from commerce.kernel.caller import Tenant

DIGITS = 6
_NO_HASH = "0" * 64


def derive(tenant: Tenant, serial: str, generation: int) -> str:
    """The PIN of a card's ``generation``."""
    digest = _digest("pin", tenant, serial, str(generation))
    return f"{int(digest, 16) % 10**DIGITS:0{DIGITS}}"


def hash_of(tenant: Tenant, serial: str, pin: str) -> str:
    """What is kept of a PIN, in hexadecimal."""
    return _digest("pin hash", tenant, serial, pin)


def opens(tenant: Tenant, serial: str, pin: str, pin_hash: str | None) -> bool:
    """Whether ``pin`` is the card's, in constant time, be there such a card or not (then ``pin_hash`` is None)."""
    return hmac.compare_digest(hash_of(tenant, serial, pin), pin_hash or _NO_HASH)


def _digest(purpose: str, tenant: Tenant, serial: str, more: str) -> str:
    text = "\0".join((purpose, tenant.tenant_id, tenant.mode, serial, more))
    return hmac.new(os.environ["GIFT_CARD_KEY"].encode(), text.encode(), hashlib.sha256).hexdigest()
