"""How a reader would like to see things."""

from dataclasses import dataclass

LANGUAGES = ("en", "es", "fr", "de", "ja", "zh")
CURRENCIES = ("USD", "EUR", "GBP", "JPY")
REGIONS = ("US", "EU", "APAC")


@dataclass(frozen=True, slots=True)
class Locale:
    """None where the reader asked for nothing. ``currency`` is one to show prices in, never one to charge."""

    language: str | None = None
    fallback: str | None = None
    currency: str | None = None
    region: str | None = None
    timezone: str | None = None


ANY = Locale()
