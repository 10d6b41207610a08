"""Customers in the table.

A customer row stands in its own partition (C1), beside the summary of its orders (C2), so one query reads both. A guard
row makes the e-mail address unique (C3). A copy without the addresses stands in each list that the customer belongs to
(C4), and under each word of the name (C5): a list page is one query.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PynamoDBException

from commerce.customers.model import Address, Customer, ListedCustomer, OrdersSummary, Period, facet
from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import Conflict, Unavailable
from commerce.kernel.money import Money
from commerce.kernel.paging import MAX_OFFSET_ROWS, Page, PageRequest
from commerce.table import keys
from commerce.table.reading import get, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction, is_temporary

COLLECTION = "customers"


class ListedCustomerRow(Row, discriminator="listed_customer"):
    """A customer's place in a list, or under a word of the name, with what a list shows."""

    customer_id = UnicodeAttribute()
    email = UnicodeAttribute()
    first_name = UnicodeAttribute()
    last_name = UnicodeAttribute()
    phone = UnicodeAttribute(null=True)
    tags = WordsAttribute()
    metadata = DocumentAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_listed(self) -> ListedCustomer:
        return ListedCustomer(**self._shown())

    def _shown(self) -> dict[str, Any]:
        return {
            "customer_id": self.customer_id,
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "phone": self.phone,
            "tags": tuple(self.tags),
            "metadata": self.metadata,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "version": int(self.version),
        }


class CustomerRow(ListedCustomerRow, discriminator="customer"):
    addresses = DocumentAttribute()

    def to_customer(self) -> Customer:
        return Customer(**self._shown(), addresses=tuple(Address(**document) for document in self.addresses))


class CustomerSummaryRow(Row, discriminator="customer_summary"):
    """Kept by the transactions that place and pay orders; absent until the first one."""

    orders_count = NumberAttribute(null=True)
    total_spent = NumberAttribute(null=True)  # minor units of the tenant's currency
    last_order_at = InstantAttribute(null=True)

    def to_summary(self, currency: str) -> OrdersSummary:
        return OrdersSummary(
            count=int(self.orders_count or 0),
            total_spent=Money(int(self.total_spent or 0), currency),
            last_order_at=self.last_order_at,
        )


class CustomerEmailRow(Row, discriminator="customer_email"):
    """Makes an e-mail address unique, and finds its customer."""

    customer_id = UnicodeAttribute()


def add(tx: Transaction, tenant: Tenant, customer: Customer) -> None:
    """Write a new customer with its guard, list and word rows (C1, C3–C5).

    Raises (at commit):
        Conflict: the e-mail address belongs to a customer already.
    """
    customer_id, shown = customer.customer_id, _shown(customer)
    taken = Conflict("A customer with this e-mail address exists", field="email", reason="duplicate_email")
    tx.add(CustomerEmailRow(*keys.customer_email(tenant, customer.email), customer_id=customer_id), taken)
    addresses = [asdict(address) for address in customer.addresses]
    tx.add(CustomerRow(*keys.customer(tenant, customer_id), addresses=addresses, **shown))
    for name in customer.facets:
        pk, sk = keys.listing(tenant, COLLECTION, name), keys.by_time(customer.created_at, customer_id)
        tx.put(ListedCustomerRow(pk, sk, counted_in=[f"{collection(name)}|all"], **shown))
    for word in customer.terms:
        tx.put(ListedCustomerRow(keys.term(tenant, COLLECTION, word), f"{word}#{customer_id}", **shown))


def count_order(tx: Transaction, tenant: Tenant, customer_id: str, at: datetime, spent: Money | None = None) -> None:
    """Count an order placed at ``at``, and in the same write what was ``spent`` on it, if it is paid already (C2).

    One transaction holds one action per row: an order that is placed and paid in one uses ``spent``.
    """
    actions = [CustomerSummaryRow.orders_count.add(1), CustomerSummaryRow.last_order_at.set(at)]
    if spent is not None:
        actions.append(CustomerSummaryRow.total_spent.add(spent.minor))
    _summarize(tx, tenant, customer_id, actions)


def count_spent(tx: Transaction, tenant: Tenant, customer_id: str, amount: Money) -> None:
    """Count money that a customer paid for orders; a refund is a negative amount (C2)."""
    _summarize(tx, tenant, customer_id, [CustomerSummaryRow.total_spent.add(amount.minor)])


def _summarize(tx: Transaction, tenant: Tenant, customer_id: str, actions: list[Any]) -> None:
    row = CustomerSummaryRow(*keys.customer_summary(tenant, customer_id))
    tx.update(row, [*actions, CustomerSummaryRow.kind.set(CustomerSummaryRow)])


def find(tenant: Tenant, customer_id: str) -> Customer | None:
    """One customer (C1)."""
    row = get(keys.customer(tenant, customer_id))
    return row.to_customer() if isinstance(row, CustomerRow) else None


def find_with_summary(tenant: Tenant, customer_id: str) -> tuple[Customer, OrdersSummary] | None:
    """One customer and the summary of the orders, in one query (C1, C2)."""
    customer: Customer | None = None
    summary = OrdersSummary(0, Money.zero(tenant.currency), None)
    for row in partition(keys.customer(tenant, customer_id).pk):
        if isinstance(row, CustomerRow):
            customer = row.to_customer()
        elif isinstance(row, CustomerSummaryRow):
            summary = row.to_summary(tenant.currency)
    return None if customer is None else (customer, summary)


def find_email(tenant: Tenant, email: str) -> str | None:
    """The id of the customer with an e-mail address, whatever its case (C3)."""
    row = get(keys.customer_email(tenant, email))
    return row.customer_id if isinstance(row, CustomerEmailRow) else None


def page_of(
    tenant: Tenant, request: PageRequest, *, tag: str | None, within: Period, total: int | None
) -> Page[ListedCustomer]:
    """Customers, newest first (C4)."""
    return page(
        tenant,
        request,
        _listed,
        pk=keys.listing(tenant, COLLECTION, facet(tag)),
        index=None,
        query_name=f"{COLLECTION}:{facet(tag)}:{_name(within)}",
        condition=_within(within),
        total=total,
    )


def count_within(tenant: Tenant, tag: str | None, within: Period) -> int | None:
    """How many customers a list holds of a period; None beyond what page numbers reach (C4)."""
    try:
        pk = keys.listing(tenant, COLLECTION, facet(tag))
        counted = Row.count(pk, _within(within), limit=MAX_OFFSET_ROWS + 1)
    except PynamoDBException as error:
        if is_temporary(error):
            raise Unavailable from error
        raise
    return counted if counted <= MAX_OFFSET_ROWS else None


def page_named(tenant: Tenant, request: PageRequest, word: str) -> Page[tuple[str, ListedCustomer]]:
    """Words of names beginning with ``word``, each with its customer, in alphabetical order (C5)."""
    return page(
        tenant,
        request,
        _named,
        pk=keys.term(tenant, COLLECTION, word),
        index=None,
        query_name=f"{COLLECTION}:name:{word}",
        ascending=True,
        # One character has a partition of its own, of the names that are as short.
        condition=Row.sk.startswith(word if len(word) > 1 else f"{word}#"),
    )


def collection(name: str) -> str:
    """What the counters of a list are kept under."""
    return f"{COLLECTION}:{name}"


def _shown(customer: ListedCustomer) -> dict[str, Any]:
    return {
        "customer_id": customer.customer_id,
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "phone": customer.phone,
        "tags": list(customer.tags),
        "metadata": customer.metadata,
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
        "version": customer.version,
    }


def _listed(row: Row) -> ListedCustomer:
    assert isinstance(row, ListedCustomerRow)
    return row.to_listed()


def _named(row: Row) -> tuple[str, ListedCustomer]:
    return row.sk.split("#", 1)[0], _listed(row)


def _within(period: Period) -> Any:
    # Sort keys are an instant, "#" and an id, so an instant alone stands before everything of that instant.
    start = sortable(period.start) if period.start else None
    end = sortable(period.end) if period.end else None
    if start is not None and end is not None:
        return Row.sk.between(start, end)
    if start is not None:
        return Row.sk >= start
    return None if end is None else Row.sk < end


def _name(period: Period) -> str:
    return "..".join("" if bound is None else sortable(bound) for bound in (period.start, period.end))
