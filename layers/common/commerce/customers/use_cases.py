"""What a shop does with its customers."""

from dataclasses import dataclass, field, replace
from typing import Any

from commerce.customers import store
from commerce.customers.model import Address, Customer, OrdersSummary, Purpose, with_defaults
from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.clock import rfc3339
from commerce.kernel.errors import NotFound, require_version
from commerce.kernel.money import Money
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NewAddress:
    """``country`` is the tenant's when none is given."""

    first_name: str
    last_name: str
    address1: str
    city: str
    postal_code: str
    country: str | None = None
    company: str | None = None
    address2: str | None = None
    state: str | None = None
    phone: str | None = None
    is_default_shipping: bool = False
    is_default_billing: bool = False


@dataclass(frozen=True, slots=True)
class CreateCustomer:
    email: str
    first_name: str
    last_name: str
    phone: str | None = None
    addresses: tuple[NewAddress, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpdateCustomer:
    """``changes`` are new values of a customer's attributes, by name; the others stay as they are.

    ``expected_versions``: what the caller says that the customer's version is, in the header and in the body.
    """

    customer_id: str
    changes: dict[str, Any]
    expected_versions: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedAddress:
    """An address after a change, and the customer that it belongs to."""

    customer: Customer
    address: Address


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer and what the customer ordered."""

    customer: Customer
    orders: OrdersSummary


def create(tx: Transaction, caller: Caller, command: CreateCustomer) -> Profile:
    """Add a customer (contract CU-03).

    Raises:
        Conflict: the e-mail address belongs to a customer already.
        Invalid: two addresses claim to be the same default.
    """
    now, tenant = clock.now(), caller.tenant
    customer = Customer(
        customer_id=ids.new("cust"),
        email=command.email,
        first_name=command.first_name,
        last_name=command.last_name,
        phone=command.phone,
        addresses=with_defaults(tuple(_address(tenant, each) for each in command.addresses)),
        tags=tuple(dict.fromkeys(command.tags)),
        metadata=command.metadata,
        created_at=now,
        updated_at=now,
    )
    store.add(tx, tenant, customer)
    events.announce(tx, _event("customer.created", tenant, customer))
    return Profile(customer, OrdersSummary(0, Money.zero(tenant.currency), None))


def update(tx: Transaction, caller: Caller, command: UpdateCustomer) -> Profile:
    """Change a customer's profile (contract CU-04). What is so already is not written, and keeps its version.

    Raises:
        NotFound: no such customer.
        VersionMismatch: the customer is not at an expected version.
        Conflict: the e-mail address belongs to another customer.
    """
    profile = get(caller.tenant, command.customer_id)
    for expected in command.expected_versions:
        require_version(profile.customer.version, expected, "customer")
    changed = replace(profile.customer, **command.changes)
    return Profile(_save(tx, caller, profile.customer, changed), profile.orders)


def add_address(
    tx: Transaction, caller: Caller, customer_id: str, new: NewAddress, expected_version: int | None = None
) -> ChangedAddress:
    """Add an address (contract CU-05). The first one is the default; a later one is where it says so.

    Raises:
        NotFound: no such customer.
        VersionMismatch: the customer is not at ``expected_version``.
        Invalid: the customer has as many addresses as one can have.
    """
    customer = _expect(caller.tenant, customer_id, expected_version)
    address = _address(caller.tenant, new)
    saved = _save(tx, caller, customer, customer.with_address(address))
    return ChangedAddress(saved, saved.address(address.address_id))


def change_address(
    tx: Transaction,
    caller: Caller,
    customer_id: str,
    address_id: str,
    changes: dict[str, Any],
    expected_version: int | None = None,
) -> ChangedAddress:
    """Change an address (contract CU-06). Orders keep the address that they were placed with.

    Raises:
        NotFound: no such customer, or no such address of this customer.
        VersionMismatch: the customer is not at ``expected_version``.
    """
    customer = _expect(caller.tenant, customer_id, expected_version)
    saved = _save(tx, caller, customer, customer.with_changed_address(address_id, changes))
    return ChangedAddress(saved, saved.address(address_id))


def remove_address(
    tx: Transaction, caller: Caller, customer_id: str, address_id: str, expected_version: int | None = None
) -> None:
    """Remove an address (contract CU-07). Where it was a default, no other takes its place.

    Raises:
        NotFound: no such customer, or no such address of this customer.
        VersionMismatch: the customer is not at ``expected_version``.
    """
    customer = _expect(caller.tenant, customer_id, expected_version)
    _save(tx, caller, customer, customer.without_address(address_id))


def set_default_address(
    tx: Transaction,
    caller: Caller,
    customer_id: str,
    address_id: str,
    purposes: tuple[Purpose, ...],
    expected_version: int | None = None,
) -> ChangedAddress:
    """Make an address the default for ``purposes`` (contract CU-08).

    Raises:
        NotFound: no such customer, or no such address of this customer.
        VersionMismatch: the customer is not at ``expected_version``.
    """
    customer = _expect(caller.tenant, customer_id, expected_version)
    saved = _save(tx, caller, customer, customer.with_default(address_id, purposes))
    return ChangedAddress(saved, saved.address(address_id))


def get(tenant: Tenant, customer_id: str) -> Profile:
    """A customer with the summary of the orders (contract CU-02).

    Raises:
        NotFound: no such customer.
    """
    found = store.find_with_summary(tenant, customer_id)
    if found is None:
        raise NotFound("customer")
    return Profile(*found)


def find_customer(tenant: Tenant, customer_id: str) -> Customer | None:
    """The customer alone, for those who place and pay orders."""
    return store.find(tenant, customer_id)


def _expect(tenant: Tenant, customer_id: str, version: int | None) -> Customer:
    customer = store.find(tenant, customer_id)
    if customer is None:
        raise NotFound("customer")
    require_version(customer.version, version, "customer")
    return customer


def _save(tx: Transaction, caller: Caller, before: Customer, changed: Customer) -> Customer:
    """Write and announce the next version of a customer; neither where nothing changes."""
    if changed == before:
        return before
    after = replace(changed, version=before.version + 1, updated_at=clock.now())
    store.save(tx, caller.tenant, before, after)
    events.announce(tx, _event("customer.updated", caller.tenant, after))
    return after


def _address(tenant: Tenant, new: NewAddress) -> Address:
    return Address(
        address_id=ids.new("addr"),
        first_name=new.first_name,
        last_name=new.last_name,
        company=new.company,
        address1=new.address1,
        address2=new.address2,
        city=new.city,
        state=new.state,
        postal_code=new.postal_code,
        country=new.country or tenant.country,
        phone=new.phone,
        is_default_shipping=new.is_default_shipping,
        is_default_billing=new.is_default_billing,
    )


def _event(event_type: str, tenant: Tenant, customer: Customer) -> DomainEvent:
    return DomainEvent(
        event_id=ids.new("evt"),
        type=event_type,
        aggregate_id=customer.customer_id,
        sequence=customer.version,
        at=customer.updated_at,
        tenant=tenant,
        data={
            "id": customer.customer_id,
            "email": customer.email,
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "phone": customer.phone,
            "tags": list(customer.tags),
            "created_at": rfc3339(customer.created_at),
        },
    )
