"""JSON as the wire has it: numbers come in as exact decimals and go out as numbers."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import simplejson

from commerce.kernel.clock import rfc3339


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")  # RFC 8259 has no NaN and no Infinity


def loads(text: str | bytes) -> Any:
    """Parse JSON; a number with a fraction or an exponent becomes a ``Decimal``.

    Raises:
        ValueError: not JSON.
    """
    return simplejson.loads(text, parse_float=Decimal, parse_constant=_no_constants)


def _default(value: object) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value: object) -> str:
    """Write JSON without blanks; a ``Decimal`` stays a number with the digits it has, an instant is RFC 3339."""
    return simplejson.dumps(value, use_decimal=True, default=_default, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> str:
    """JSON with sorted keys: equal values give equal text, for fingerprints and signatures."""
    return simplejson.dumps(value, use_decimal=True, default=_default, separators=(",", ":"), sort_keys=True)
