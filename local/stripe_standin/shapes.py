"""The names the stand-in's modules share for JSON values."""

from typing import Any

type JsonObject = dict[str, Any]
"""One Stripe object, or one part of it, exactly as it goes over the wire. Amounts are integer minor units."""
