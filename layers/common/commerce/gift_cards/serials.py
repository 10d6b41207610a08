"""Serials: what is printed on a card, and how people type it (contract X-06).

``GC-`` and sixteen characters of Crockford's base 32 (no I, L, O, U): 75 random bits and a Luhn check character. It
only says which card; the PIN opens it. Shorter serials from elsewhere are looked up as they are.
"""

import hashlib
import hmac
import os
import secrets

from commerce.kernel.caller import Tenant

PREFIX = "GC"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MAX_TYPED = 40
_RANDOM_CHARACTERS = 15
_GROUP = 4
_READ_AS = str.maketrans("OIL", "011", " -")


def new() -> str:
    """A fresh serial, in its normal form."""
    return _with_check("".join(secrets.choice(ALPHABET) for _ in range(_RANDOM_CHARACTERS)))


def of_batch(tenant: Tenant, batch_id: str, number: int) -> str:
    """The serial of a batch's card: as good as random, and the same whenever it is asked for."""
    text = "\0".join(("serial", tenant.tenant_id, tenant.mode, batch_id, str(number)))
    value = int.from_bytes(hmac.digest(os.environ["GIFT_CARD_KEY"].encode(), text.encode(), hashlib.sha256))
    characters = []
    for _ in range(_RANDOM_CHARACTERS):
        value, index = divmod(value, len(ALPHABET))
        characters.append(ALPHABET[index])
    return _with_check("".join(characters))


def normalise(typed: str) -> str:
    """A serial as somebody typed it, in the form that keys have: case, blanks, dashes, O for 0 and I or L for 1 are let
    pass, and so is a missing ``GC``."""
    plain = typed.upper().translate(_READ_AS)
    return PREFIX + plain if len(plain) == _RANDOM_CHARACTERS + 1 else plain


def is_mistyped(serial: str) -> bool:
    """Whether a normal serial of our own kind cannot be one, by its check character."""
    body = serial.removeprefix(PREFIX)
    if len(body) != _RANDOM_CHARACTERS + 1 or not set(body) <= set(ALPHABET):
        return False
    from stdnum import luhn  # brings pydoc along, so it is for those who need it

    return bool(luhn.checksum(body, ALPHABET))


def printed(serial: str) -> str:
    """``GC-7Q2M-X0RT-…``: how people are shown a serial."""
    body = serial.removeprefix(PREFIX)
    return "-".join([PREFIX, *(body[start : start + _GROUP] for start in range(0, len(body), _GROUP))])


def masked(serial: str) -> str:
    """The last four characters, for lists."""
    return f"{PREFIX}-…-{serial[-_GROUP:]}"


def _with_check(body: str) -> str:
    from stdnum import luhn

    return PREFIX + body + luhn.calc_check_digit(body, ALPHABET)
