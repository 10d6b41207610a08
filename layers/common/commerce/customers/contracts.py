"""Customers on the wire (contract CU-01…03)."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from commerce.customers.model import MAX_ADDRESSES, MAX_TAGS, Address, ListedCustomer, Registered
from commerce.customers.use_cases import CreateCustomer, FindCustomers, NewAddress, Profile
from commerce.http.contracts import Country, Input, Instant, Line, Major, Metadata, Output, Phone
from commerce.http.pages import PageQuery

# RFC 5321 lengths; the local part as RFC 5322 writes it without quotes (dot-atom), the domain as DNS has it.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*\Z")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}|xn--[A-Za-z0-9\-]{{1,58}}[A-Za-z0-9])\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:[Zz]|[+\- ]\d{2}:\d{2})\Z")


def _email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if len(local) > 64 or len(domain) > 253 or not _LOCAL.match(local) or not _DOMAIN.match(domain):
        raise PydanticCustomError("email", "Not an e-mail address")
    return text


Email = Annotated[
    str,
    Field(strict=True, max_length=254, examples=["customer@example.com"]),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254, "examples": ["customer@example.com"]}),
]
_TAG = r"[a-z0-9][a-z0-9_\-]{0,63}"
Tag = Annotated[str, StringConstraints(strict=True, pattern=rf"^{_TAG}$")]


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
            addresses=tuple(NewAddress(**dict(address)) for address in self.addresses),
            tags=tuple(self.tags),
            metadata=self.metadata,
        )


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


def _bound(value: Any) -> Any:
    """A date or an instant; a blank in the offset is a plus sign that the sender forgot to encode."""
    text = str(value)
    try:
        if _DATE.match(text):
            return date.fromisoformat(text)
        if _INSTANT.match(text):
            return datetime.fromisoformat(text[:10] + "T" + text[11:].replace(" ", "+").upper())
    except ValueError:
        pass  # the 30th of February
    raise PydanticCustomError("date_parsing", "Must be a date (2026-03-20) or an RFC 3339 instant")


Bound = Annotated[
    date | datetime,
    BeforeValidator(_bound),
    WithJsonSchema({"type": "string", "examples": ["2026-03-20", "2026-03-20T12:00:00Z"]}),
]


class CustomersQuery(PageQuery):
    email: Annotated[str, Field(min_length=3, max_length=254, description="Exact, in any case")] | None = None
    name: Annotated[str, Field(min_length=1, max_length=100, description="Beginnings of words of the name")] | None = (
        None
    )
    created_from: Annotated[Bound | None, Field(description="A day in the shop's time zone, or an instant")] = None
    created_to: Annotated[Bound | None, Field(description="Inclusive, like created_from")] = None
    tags: (
        Annotated[
            str,
            Field(
                pattern=rf"^{_TAG}(,{_TAG}){{0,9}}$",
                description="Up to ten tags with commas between them; a customer carries all of them",
                examples=["vip,newsletter"],
            ),
        ]
        | None
    ) = None

    def to_command(self) -> FindCustomers:
        return FindCustomers(
            page=self.page_request(),
            email=self.email,
            name=self.name,
            registered=Registered(self.created_from, self.created_to),
            tags=tuple(dict.fromkeys(self.tags.split(","))) if self.tags else (),
        )
