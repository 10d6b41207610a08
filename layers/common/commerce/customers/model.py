"""What a customer is, and by which words and lists one is found."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from commerce.kernel.criteria import indexed_metadata, metadata_facet
from commerce.kernel.errors import Invalid, NotFound
from commerce.kernel.money import Money

MAX_ADDRESSES = 20
MAX_TAGS = 16  # each tag and each term is one more copy in the transaction that writes a customer: 4 MB at most
MAX_TERMS = 12
_MAX_WORD = 64  # characters; a sort key holds 1,024 bytes


class Purpose(StrEnum):
    """What an address can be the default for."""

    SHIPPING = "shipping"
    BILLING = "billing"


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

    def yielding_to(self, other: "Address") -> "Address":
        """The same address without the defaults that ``other`` has."""
        return replace(
            self,
            is_default_shipping=self.is_default_shipping and not other.is_default_shipping,
            is_default_billing=self.is_default_billing and not other.is_default_billing,
        )


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

    @property
    def metadata_facets(self) -> tuple[str, ...]:
        """The lists this customer is found in by metadata: one for each pair that is indexed."""
        return tuple(metadata_facet(*pair) for pair in indexed_metadata(self.metadata))


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

    def address(self, address_id: str) -> Address:
        """One of the addresses; raise NotFound where there is none with this id."""
        for address in self.addresses:
            if address.address_id == address_id:
                return address
        raise NotFound("address")

    def with_address(self, new: Address) -> "Customer":
        """The same customer with one address more. The first one is the default; a later one is where it says so.

        Raises:
            Invalid: there are as many as a customer can have.
        """
        if len(self.addresses) >= MAX_ADDRESSES:
            raise Invalid(
                f"A customer has at most {MAX_ADDRESSES} addresses", field="addresses", reason="too_many_addresses"
            )
        others = tuple(address.yielding_to(new) for address in self.addresses)
        return replace(self, addresses=(*others, new) if others else with_defaults((new,)))

    def with_changed_address(self, address_id: str, changes: dict[str, Any]) -> "Customer":
        """The same customer with other values in one address; a default that it claims leaves the one that had it.

        Raises:
            NotFound: no such address.
        """
        changed = replace(self.address(address_id), **changes)
        addresses = tuple(
            changed if address.address_id == address_id else address.yielding_to(changed) for address in self.addresses
        )
        return replace(self, addresses=addresses)

    def with_default(self, address_id: str, purposes: tuple[Purpose, ...]) -> "Customer":
        """The same customer with one address as the default for ``purposes``; raise NotFound for no such address."""
        return self.with_changed_address(address_id, {f"is_default_{purpose}": True for purpose in purposes})

    def without_address(self, address_id: str) -> "Customer":
        """The same customer without one address; where it was a default, there is none then.

        Raises:
            NotFound: no such address.
        """
        gone = self.address(address_id)
        return replace(self, addresses=tuple(address for address in self.addresses if address is not gone))


@dataclass(frozen=True, slots=True)
class OrdersSummary:
    """What a customer ordered: how many orders, what was paid for them, when the last one was placed, and how many of
    them were called off."""

    count: int
    total_spent: Money
    last_order_at: datetime | None
    called_off: int = 0

    @property
    def standing(self) -> int:
        """The orders that were not called off."""
        return self.count - self.called_off


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
