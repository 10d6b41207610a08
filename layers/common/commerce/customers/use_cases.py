"""What a shop does with its customers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from commerce.counters import store as counters
from commerce.customers import store
from commerce.customers.model import (
    Address,
    Customer,
    ListedCustomer,
    OrdersSummary,
    Period,
    Registered,
    facet,
    with_defaults,
    words,
)
from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.clock import rfc3339
from commerce.kernel.errors import Invalid, Malformed, NotFound
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.table.transaction import Transaction

_ROUNDS = 8  # how often a narrowed page goes on reading to fill up


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
class FindCustomers:
    """Filters of a customer list (contract CU-01); a customer in it meets all of them."""

    page: PageRequest
    email: str | None = None
    name: str | None = None
    registered: Registered = field(default_factory=Registered)
    tags: tuple[str, ...] = ()


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


def find(tenant: Tenant, wanted: FindCustomers) -> Page[ListedCustomer]:
    """A page of customers (contract CU-01), newest first, or by name where a name is asked for.

    One filter finds through its index: the e-mail address, else the name, else the rarest tag, else the registration
    date. The others narrow what it finds. A narrowed page goes on reading for a while to fill up and can still come
    out shorter than ``limit`` with more to follow.

    Raises:
        Malformed: a page number together with filters that narrow.
        Invalid: a name without a letter, or a period that ends before it begins.
    """
    within = wanted.registered.period(tenant.timezone)
    if wanted.email is not None:
        return _with_email(tenant, wanted, wanted.email, within)
    if wanted.name is not None:
        return _named(tenant, wanted, wanted.name, within)
    return _listed(tenant, wanted, within)


def _listed(tenant: Tenant, wanted: FindCustomers, within: Period) -> Page[ListedCustomer]:
    tag = _rarest(tenant, wanted.tags)
    narrows = len(wanted.tags) > 1
    total = None
    if wanted.page.cursor is None and not narrows:
        total = _count(tenant, tag) if within == Period() else store.count_within(tenant, tag, within)

    def read(request: PageRequest) -> Page[ListedCustomer]:
        return store.page_of(tenant, request, tag=tag, within=within, total=total)

    return _narrowed(wanted, within, read) if narrows else read(wanted.page)


def _named(tenant: Tenant, wanted: FindCustomers, name: str, within: Period) -> Page[ListedCustomer]:
    """The longest word finds by prefix; a customer is shown once, at the first word of theirs that it finds."""
    asked = words(name)
    if not asked:
        raise Invalid("name needs a letter or a digit", field="name", reason="name_too_short")
    prefix = max(asked, key=len)

    def first(word: str, customer: ListedCustomer) -> bool:
        return word == min((own for own in customer.terms if own.startswith(prefix)), default=None)

    def read(request: PageRequest) -> Page[ListedCustomer]:
        found = store.page_named(tenant, request, prefix)
        return found.over(tuple(customer for word, customer in found.items if first(word, customer)))

    return _narrowed(wanted, within, read)


def _with_email(tenant: Tenant, wanted: FindCustomers, email: str, within: Period) -> Page[ListedCustomer]:
    customer_id = store.find_email(tenant, email)
    found = None if customer_id is None or wanted.page.offset else store.find(tenant, customer_id)
    matching = (found,) if found is not None and _matches(found, wanted, within) else ()
    return Page(items=matching, request=wanted.page, total=len(matching))


def _narrowed(
    wanted: FindCustomers, within: Period, read: Callable[[PageRequest], Page[ListedCustomer]]
) -> Page[ListedCustomer]:
    if wanted.page.offset:
        raise Malformed(
            "These filters are not counted by one index; follow next_cursor instead of page",
            field="page",
            reason="not_indexed",
        )
    kept: list[ListedCustomer] = []
    cursor = wanted.page.cursor
    for _ in range(_ROUNDS):
        # What is still missing is the most that may be read, so that the cursor stands right after the last row shown.
        page = read(PageRequest(limit=wanted.page.limit - len(kept), cursor=cursor))
        kept += [customer for customer in page.items if _matches(customer, wanted, within)]
        cursor = page.next_cursor
        if cursor is None or len(kept) == wanted.page.limit:
            break
    return Page(items=tuple(kept), request=wanted.page, next_cursor=cursor)


def _matches(customer: ListedCustomer, wanted: FindCustomers, within: Period) -> bool:
    named = all(any(own.startswith(word) for own in customer.terms) for word in words(wanted.name or ""))
    return named and set(wanted.tags) <= set(customer.tags) and within.holds(customer.created_at)


def _rarest(tenant: Tenant, tags: tuple[str, ...]) -> str | None:
    """The tag whose list is the shortest to go through."""
    return tags[0] if len(tags) == 1 else min(tags, key=lambda tag: _count(tenant, tag), default=None)


def _count(tenant: Tenant, tag: str | None) -> int:
    return counters.read(tenant, store.collection(facet(tag))).get("all", 0)


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
