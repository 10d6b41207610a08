"""The reader's language, currency, region and time zone, from the headers of a request (contract 4.4, 4.8)."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from commerce.kernel.errors import Invalid
from commerce.kernel.locale import CURRENCIES, LANGUAGES, REGIONS, Locale


def read(headers: Mapping[str, str]) -> Locale:
    """What the reader asks for. ``Accept-Language`` is a wish, which browsers send unasked; the others are demands.

    Args:
        headers: names in lower case.

    Raises:
        Invalid: a language to fall back to, a currency, a region or a time zone that is none of ours.
    """
    return Locale(
        language=_preferred(headers.get("accept-language", "")),
        fallback=_one_of(headers, "X-Language-Fallback", LANGUAGES),
        currency=_one_of(headers, "X-Currency", CURRENCIES),
        region=_one_of(headers, "X-Region", REGIONS),
        timezone=_timezone(headers.get("x-timezone")),
    )


def _one_of(headers: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    given = headers.get(name.lower())
    if given is None:
        return None
    for value in known:
        if value.casefold() == given.strip().casefold():
            return value
    raise Invalid(f"{name} is one of {', '.join(known)}", field=name, reason="unsupported_value")


def _timezone(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        ZoneInfo(given)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise Invalid(
            "X-Timezone is an IANA time zone such as America/New_York", field="X-Timezone", reason="unknown_timezone"
        ) from None
    return given


def _preferred(given: str) -> str | None:
    """The best liked of our languages (RFC 9110, section 12.5.4): ``es-MX`` is content with ``es``."""
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(given.split(",")):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            wishes.append((-_weight(weight), place, language))
    liked = [wish for wish in sorted(wishes) if wish[0] < 0]
    return liked[0][2] if liked else None


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
