"""What a customer is, and by which words and lists one is found."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commerce.kernel.errors import Invalid
from commerce.kernel.money import Money

MAX_ADDRESSES = 20
MAX_TAGS = 16  # each tag and each term is one more copy in the transaction that creates a customer: 4 MB at most
MAX_TERMS = 12
_MAX_WORD = 64  # characters; a sort key holds 1,024 bytes


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address (contract X-19). ``country`` is ISO 3166-1 alpha-2."""

    address_id: str
    first_name: str
    last_name: str
    address1: str
    city: str
    postal_code: str
    country: str
    company: str | None = None
    address2: str | None = None
    state: str | None = None
    phone: str | None = None
    is_default_shipping: bool = False
    is_default_billing: bool = False


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """What lists show of a customer. ``email`` is unique per tenant, whatever its case, and kept as it was given."""

    customer_id: str
    email: str
    first_name: str
    last_name: str
    phone: str | None
    tags: tuple[str, ...]
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def terms(self) -> tuple[str, ...]:
        """The words a search by name finds this customer by."""
        return tuple(dict.fromkeys(words(f"{self.first_name} {self.last_name}")))[:MAX_TERMS]

    @property
    def facets(self) -> tuple[str, ...]:
        """The lists this customer stands in: all customers, and one per tag."""
        return (facet(None), *(facet(tag) for tag in self.tags))


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer(ListedCustomer):
    """A customer with everything that is kept of one."""

    addresses: tuple[Address, ...]

    @property
    def default_shipping(self) -> Address | None:
        return next((address for address in self.addresses if address.is_default_shipping), None)

    @property
    def default_billing(self) -> Address | None:
        return next((address for address in self.addresses if address.is_default_billing), None)


@dataclass(frozen=True, slots=True)
class OrdersSummary:
    """What a customer ordered: how many orders, what was paid for them, and when the last one was placed."""

    count: int
    total_spent: Money
    last_order_at: datetime | None


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` on, and before ``end``; None leaves a side open."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, instant: datetime) -> bool:
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True)
class Registered:
    """Bounds of the registration date as a caller gives them, both inclusive."""

    start: date | datetime | None = None
    end: date | datetime | None = None

    def period(self, timezone: str) -> Period:
        """The instants meant: a date is that whole day in ``timezone``, an instant without a fraction its whole second.

        Raises:
            Invalid: the end lies before the start.
        """
        zone = ZoneInfo(timezone)
        start = None if self.start is None else _first_instant(self.start, zone)
        end = None if self.end is None else _instant_after(self.end, zone)
        if start is not None and end is not None and end <= start:
            raise Invalid("created_to lies before created_from", field="created_to", reason="empty_period")
        return Period(start, end)


def _first_instant(bound: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(bound, datetime):
        return bound.astimezone(UTC)
    return datetime.combine(bound, time.min, zone).astimezone(UTC)


def _instant_after(bound: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(bound, datetime):
        return bound.astimezone(UTC) + (timedelta(microseconds=1) if bound.microsecond else timedelta(seconds=1))
    return _first_instant(bound + timedelta(days=1), zone)


def with_defaults(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    """The same addresses with one default for each purpose: the one that says so, else the first.

    Raises:
        Invalid: two addresses claim to be the same default.
    """
    for purpose in ("is_default_shipping", "is_default_billing"):
        claims = [index for index, address in enumerate(addresses) if getattr(address, purpose)]
        if len(claims) > 1:
            raise Invalid(
                "Only one address can be a default", field=f"addresses.{claims[1]}.{purpose}", reason="two_defaults"
            )
    if not addresses:
        return addresses
    first = replace(
        addresses[0],
        is_default_shipping=not any(address.is_default_shipping for address in addresses[1:]),
        is_default_billing=not any(address.is_default_billing for address in addresses[1:]),
    )
    return (first, *addresses[1:])


def facet(tag: str | None) -> str:
    """The list for this filter."""
    return "all" if tag is None else f"tag:{tag}"


def words(text: str) -> list[str]:
    """The words of a name, case-folded and without accents: José is found as jose."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return [word[:_MAX_WORD] for word in re.split(r"[\W_]+", plain.casefold()) if word]
