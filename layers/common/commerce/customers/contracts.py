"""Customers on the wire (contract CU-01…08)."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from commerce.customers.model import MAX_ADDRESSES, MAX_TAGS, Address, ListedCustomer, Purpose
from commerce.customers.use_cases import (
    ChangedAddress,
    CreateCustomer,
    NewAddress,
    Profile,
    UpdateCustomer,
)
from commerce.http.contracts import (
    Changes,
    Country,
    Email,
    Input,
    Instant,
    Line,
    Major,
    Metadata,
    Output,
    Phone,
    Query,
)

TAG = r"[a-z0-9][a-z0-9_\-]{0,63}"
Tag = Annotated[str, StringConstraints(strict=True, pattern=rf"^{TAG}$")]


class CustomerAddressIn(Input):
    """The first address becomes the default for shipping and billing unless another one claims it."""

    first_name: Annotated[Line, Field(examples=["Jane"])]
    last_name: Annotated[Line, Field(examples=["Doe"])]
    company: Line | None = None
    address1: Annotated[Line, Field(examples=["123 Main St"])]
    address2: Line | None = None
    city: Annotated[Line, Field(examples=["New York"])]
    state: Annotated[Line, Field(examples=["NY"])] | None = None
    postal_code: Annotated[Line, Field(max_length=16, examples=["10001"])]
    country: Annotated[Country, Field(description="The shop's country when missing")] | None = None
    phone: Phone | None = None
    is_default_shipping: Annotated[bool, Field(strict=True)] = False
    is_default_billing: Annotated[bool, Field(strict=True)] = False

    def to_command(self) -> NewAddress:
        return NewAddress(**dict(self))


class CustomerIn(Input):
    """``email`` is unique in the shop, whatever its case."""

    email: Email
    first_name: Annotated[Line, Field(examples=["Jane"])]
    last_name: Annotated[Line, Field(examples=["Doe"])]
    phone: Phone | None = None
    addresses: Annotated[list[CustomerAddressIn], Field(max_length=MAX_ADDRESSES)] = []
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS, examples=[["vip", "newsletter"]])] = []
    metadata: Metadata = {}

    def to_command(self) -> CreateCustomer:
        return CreateCustomer(
            email=self.email,
            first_name=self.first_name,
            last_name=self.last_name,
            phone=self.phone,
            addresses=tuple(address.to_command() for address in self.addresses),
            tags=tuple(self.tags),
            metadata=self.metadata,
        )


def _kept() -> Any:
    """A field that may be left out and then stays as it is. Only what was sent is looked at."""
    return Field(default_factory=lambda: None)


class CustomerChangesIn(Changes):
    """What is left out stays as it is; ``tags`` and ``metadata`` are replaced as a whole.

    With ``version`` the change is refused (409) if the customer is at another version by now, as with ``If-Match``.
    """

    email: Email = _kept()
    first_name: Annotated[Line, Field(examples=["Jane"])] = _kept()
    last_name: Annotated[Line, Field(examples=["Doe"])] = _kept()
    phone: Phone | None = _kept()
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS, examples=[["vip", "newsletter"]])] = _kept()
    metadata: Metadata = _kept()
    version: Annotated[int, Field(strict=True, ge=1, examples=[1])] | None = _kept()

    @property
    def sent(self) -> dict[str, Any]:
        return {name: value for name, value in super().sent.items() if name != "version"}

    def to_command(self, customer_id: str, if_match: int | None) -> UpdateCustomer:
        changes = self.sent
        if "tags" in changes:
            changes["tags"] = tuple(dict.fromkeys(self.tags))
        return UpdateCustomer(customer_id, changes, expected_versions=(if_match, self.version))


class CustomerAddressChangesIn(Changes):
    """What is left out stays as it is; ``false`` gives a default up without another address taking its place."""

    first_name: Annotated[Line, Field(examples=["Jane"])] = _kept()
    last_name: Annotated[Line, Field(examples=["Doe"])] = _kept()
    company: Line | None = _kept()
    address1: Annotated[Line, Field(examples=["123 Main St"])] = _kept()
    address2: Line | None = _kept()
    city: Annotated[Line, Field(examples=["New York"])] = _kept()
    state: Annotated[Line, Field(examples=["NY"])] | None = _kept()
    postal_code: Annotated[Line, Field(max_length=16, examples=["10001"])] = _kept()
    country: Country = _kept()
    phone: Phone | None = _kept()
    is_default_shipping: Annotated[bool, Field(strict=True)] = _kept()
    is_default_billing: Annotated[bool, Field(strict=True)] = _kept()


class DefaultAddressQuery(Query):
    type: Annotated[Purpose, Field(description="Both when left out")] | None = None

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        return tuple(Purpose) if self.type is None else (self.type,)


class CustomerAddressOut(Output):
    id: Annotated[str, Field(examples=["addr_0192f0c1a7b87c3e9d5f6a7b8c9d0e1f"])]
    first_name: Annotated[str, Field(examples=["Jane"])]
    last_name: Annotated[str, Field(examples=["Doe"])]
    company: Annotated[str | None, Field(examples=[None])]
    address1: Annotated[str, Field(examples=["123 Main St"])]
    address2: Annotated[str | None, Field(examples=["Apt 4"])]
    city: Annotated[str, Field(examples=["New York"])]
    state: Annotated[str | None, Field(examples=["NY"])]
    postal_code: Annotated[str, Field(examples=["10001"])]
    country: Annotated[str, Field(examples=["US"])]
    phone: Annotated[str | None, Field(examples=["+1-555-0123"])]
    is_default_shipping: bool
    is_default_billing: bool

    @classmethod
    def of(cls, address: Address) -> "CustomerAddressOut":
        return cls(
            id=address.address_id,
            **{name: getattr(address, name) for name in cls.model_fields if name != "id"},
        )


class ChangedAddressOut(CustomerAddressOut):
    """``version`` is the customer's, which counts the changes of the addresses too; ``If-Match`` takes it."""

    customer_id: Annotated[str, Field(examples=["cust_0192f0c1a7b87c3e9d5f6a7b8c9d0e1f"])]
    version: Annotated[int, Field(examples=[2])]

    @classmethod
    def of_changed(cls, changed: ChangedAddress) -> "ChangedAddressOut":
        address, customer = CustomerAddressOut.of(changed.address), changed.customer
        return cls(**dict(address), customer_id=customer.customer_id, version=customer.version)


class OrdersSummaryOut(Output):
    """``total_spent`` is what was paid less what was refunded, in the shop's currency."""

    count: Annotated[int, Field(examples=[3])]
    total_spent: Major
    last_order_at: Annotated[Instant | None, Field(examples=["2026-03-20T12:00:00Z"])]


class _CustomerOut(Output):
    id: Annotated[str, Field(examples=["cust_0192f0c1a7b87c3e9d5f6a7b8c9d0e1f"])]
    email: Annotated[str, Field(examples=["customer@example.com"])]
    first_name: Annotated[str, Field(examples=["Jane"])]
    last_name: Annotated[str, Field(examples=["Doe"])]
    phone: Annotated[str | None, Field(examples=["+1-555-0123"])]
    tags: Annotated[list[str], Field(examples=[["vip", "newsletter"]])]
    metadata: Annotated[dict[str, str], Field(examples=[{"crm_id": "4711"}])]
    version: Annotated[int, Field(examples=[1])]
    created_at: Instant
    updated_at: Instant


class CustomerRowOut(_CustomerOut):
    """A customer in a list. The addresses and the summary of the orders are on ``GET /v2/customers/{id}``."""

    @classmethod
    def of(cls, customer: ListedCustomer) -> "CustomerRowOut":
        return cls(**_shown(customer))


class CustomerProfileOut(_CustomerOut):
    """A customer alone, with the addresses and the summary of the orders."""

    addresses: list[CustomerAddressOut]
    orders_summary: OrdersSummaryOut

    @classmethod
    def of(cls, profile: Profile) -> "CustomerProfileOut":
        customer, orders = profile.customer, profile.orders
        return cls(
            **_shown(customer),
            addresses=[CustomerAddressOut.of(address) for address in customer.addresses],
            orders_summary=OrdersSummaryOut(
                count=orders.count, total_spent=orders.total_spent.major, last_order_at=orders.last_order_at
            ),
        )


def _shown(customer: ListedCustomer) -> dict[str, Any]:
    return {
        "id": customer.customer_id,
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "phone": customer.phone,
        "tags": list(customer.tags),
        "metadata": customer.metadata,
        "version": customer.version,
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
    }
