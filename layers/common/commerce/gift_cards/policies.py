"""Rules that are data: how soon a card that was paid for may expire, by the shop's country (contract X-55).

Not legal advice: the shortest lifetimes that the named laws allow, as far as a rule for a whole country can say. A shop
with stricter duties sells cards without a date. Cards that nobody paid for may expire whenever the shop says.
"""

from datetime import date

from commerce.gift_cards.model import Funding
from commerce.kernel.errors import Invalid

NEVER = 10_000  # years
MINIMUM_YEARS = {
    "US": 5,  # 15 U.S.C. § 1693l-1, Regulation E § 1005.20(e)
    "CA": NEVER,  # the provinces' consumer protection acts
    "AU": 3,  # Competition and Consumer Act 2010, section 99B
    "IE": 5,  # Consumer Protection (Gift Vouchers) Act 2019
    "NZ": 3,  # Fair Trading (Gift Card Expiry) Amendment Act 2024
    "DE": 3,  # § 195 BGB
}


def require_lawful_expiry(country: str, funding: Funding, issued_on: date, expires_on: date | None) -> None:
    """Raise Invalid for a date that has passed, or that is too soon for a card that was paid for."""
    if expires_on is None:
        return
    if expires_on < issued_on:
        raise Invalid("The date has passed", field="expiration_date", reason="date_passed")
    years = MINIMUM_YEARS.get(country, 0) if funding is Funding.PAID else 0
    if years == NEVER:
        raise Invalid(
            f"Gift cards that were paid for do not expire in {country}",
            field="expiration_date",
            reason="expiry_not_allowed",
        )
    if years and expires_on < _years_later(issued_on, years):
        raise Invalid(
            f"Gift cards that were paid for are good for at least {years} years in {country}",
            field="expiration_date",
            reason="expiry_too_soon",
        )


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, month=3, day=1)
