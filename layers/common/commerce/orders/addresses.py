"""Addresses coming in over the wire, in both documented forms (contract X-19)."""

from typing import Any

from pydantic import ConfigDict, model_validator

from commerce.http.contracts import Country, Input, Line, Phone
from commerce.orders.model import Address


def _one_of(*names: str) -> dict[str, Any]:
    return {"anyOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in names]}


class AddressIn(Input):
    """Both documented address forms are read (contract X-19): name/street/zip and first_name/address1/postal_code."""

    model_config = ConfigDict(
        json_schema_extra={"allOf": [_one_of("name", "first_name", "last_name"), _one_of("street", "address1")]}
    )

    name: Line | None = None
    first_name: Line | None = None
    last_name: Line | None = None
    company: Line | None = None
    street: Line | None = None
    address1: Line | None = None
    address2: Line | None = None
    city: Line
    state: Line | None = None
    zip: Line | None = None
    postal_code: Line | None = None
    country: Country | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _complete(self) -> "AddressIn":
        if not (self.name or self.first_name or self.last_name):
            raise ValueError("An address needs a name")
        if not (self.street or self.address1):
            raise ValueError("An address needs a street")
        return self

    def to_address(self, country: str) -> Address:
        """The address as orders keep it; ``country`` is the tenant's, for addresses that name none."""
        return Address(
            name=self.name or " ".join(part for part in (self.first_name, self.last_name) if part),
            company=self.company,
            address1=self.street or self.address1 or "",
            address2=self.address2,
            city=self.city,
            state=self.state,
            postal_code=self.zip or self.postal_code,
            country=self.country or country,
            phone=self.phone,
        )
