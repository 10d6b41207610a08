"""Customers in the table.

A customer row stands in its own partition (C1), beside the summary of its orders (C2), so one query reads both. A guard
row makes the e-mail address unique (C3). A copy without the addresses stands in each list that the customer belongs to
(C4), and under each word of the name (C5): a list page is one query. For each pair of metadata that is indexed there is
a row that only names the customer (C6): with copies there too, the largest customer would not fit into one transaction.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.customers.model import Address, Customer, ListedCustomer, OrdersSummary, facet
from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.criteria import metadata_facet, metadata_name, unindexed_metadata
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import Period
from commerce.table import keys
from commerce.table.reading import Source, count, get, get_all, in_period, merged, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction

COLLECTION = "customers"
UNINDEXED = f"{COLLECTION}:unindexed"  # counts the customers that have a key of metadata which no list knows


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
    audited: ClassVar[str] = "customer"

    addresses = DocumentAttribute()

    def to_customer(self) -> Customer:
        return Customer(**self._shown(), addresses=tuple(Address(**document) for document in self.addresses))


class CustomerSummaryRow(Row, discriminator="customer_summary"):
    """Kept by the transactions that place and pay orders; absent until the first one."""

    orders_count = NumberAttribute(null=True)
    total_spent = NumberAttribute(null=True)  # minor units of the tenant's currency
    last_order_at = InstantAttribute(null=True)
    called_off = NumberAttribute(null=True)

    def to_summary(self, currency: str) -> OrdersSummary:
        return OrdersSummary(
            count=int(self.orders_count or 0),
            total_spent=Money(int(self.total_spent or 0), currency),
            last_order_at=self.last_order_at,
            called_off=int(self.called_off or 0),
        )


class CustomerEmailRow(Row, discriminator="customer_email"):
    """Makes an e-mail address unique, and finds its customer."""

    customer_id = UnicodeAttribute()


class CustomerMetadataRow(Row, discriminator="customer_metadata"):
    """A customer that has a pair of metadata."""

    customer_id = UnicodeAttribute()


def add(tx: Transaction, tenant: Tenant, customer: Customer) -> None:
    """Write a new customer with its guard, list, word and metadata rows (C1, C3–C6).

    Raises (at commit):
        Conflict: the e-mail address belongs to a customer already.
    """
    tx.add(_guard(tenant, customer), _taken())
    tx.add(_row(tenant, customer))
    for row in _placed(tenant, customer).values():
        tx.put(row)


def save(tx: Transaction, tenant: Tenant, before: Customer, after: Customer) -> None:
    """Write what became of a customer, and move its guard, list, word and metadata rows with it (C1, C3–C6).

    At most 80 writes: the row, two guards, the list of all, and 16 tags, 12 words and 10 pairs of metadata that go and
    as many that come.

    Raises (at commit):
        StaleWrite: the customer is not as in ``before`` any more.
        Conflict: the new e-mail address belongs to another customer.
    """
    # The row comes first: whoever lost a race learns of that, reads again, and may find that nothing is left to do.
    tx.put(_row(tenant, after), CustomerRow.version == before.version, StaleWrite("customer"))
    old, new = _guard(tenant, before), _guard(tenant, after)
    if old.pk != new.pk:
        tx.delete(old)
        tx.add(new, _taken())
    old_rows, new_rows = _placed(tenant, before), _placed(tenant, after)
    for key in old_rows.keys() - new_rows.keys():
        tx.delete(old_rows[key])
    for key, row in new_rows.items():
        if key not in old_rows or isinstance(row, ListedCustomerRow):  # the others say nothing that could change
            tx.put(row)


def count_order(
    tx: Transaction,
    tenant: Tenant,
    customer_id: str,
    at: datetime,
    spent: Money | None = None,
    *,
    expected: int | None = None,
) -> None:
    """Count an order placed at ``at``, and in the same write what was ``spent`` on it, if it is paid already (C2).

    One transaction holds one action per row: an order that is placed and paid in one uses ``spent``.

    Raises (at commit):
        StaleWrite: the customer's orders before it are not as many as ``expected``.
    """
    actions = [CustomerSummaryRow.orders_count.add(1), CustomerSummaryRow.last_order_at.set(at)]
    if spent is not None:
        actions.append(CustomerSummaryRow.total_spent.add(spent.minor))
    count: Any = CustomerSummaryRow.orders_count
    as_expected = (count == expected) if expected else count.does_not_exist()
    _summarize(tx, tenant, customer_id, actions, None if expected is None else as_expected)


def count_spent(tx: Transaction, tenant: Tenant, customer_id: str, amount: Money, *, called_off: bool = False) -> None:
    """Count money that a customer paid for orders, a refund is a negative amount; and an order that was called off, in
    the same write (C2)."""
    actions = [CustomerSummaryRow.called_off.add(1)] if called_off else []
    if amount.minor:
        actions.append(CustomerSummaryRow.total_spent.add(amount.minor))
    if actions:
        _summarize(tx, tenant, customer_id, actions)


def _summarize(tx: Transaction, tenant: Tenant, customer_id: str, actions: list[Any], condition: Any = None) -> None:
    row = CustomerSummaryRow(*keys.customer_summary(tenant, customer_id))
    kind = CustomerSummaryRow.kind.set(CustomerSummaryRow)
    tx.update(row, [*actions, kind], condition, StaleWrite("customer"))


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


def find_all(tenant: Tenant, customer_ids: Iterable[str]) -> dict[str, Customer]:
    """Several customers, one call for up to a hundred (C1)."""
    rows = get_all(keys.customer(tenant, customer_id) for customer_id in customer_ids)
    return {row.customer_id: row.to_customer() for row in rows.values() if isinstance(row, CustomerRow)}


def page_of(
    tenant: Tenant,
    request: PageRequest,
    *,
    question: str,
    tag: str | None,
    within: Period,
    shows: Callable[[ListedCustomer], bool],
    total: int | None,
) -> Page[ListedCustomer]:
    """Customers of a list, newest first (C4). One for which ``shows`` leaves out much comes out short."""
    return merged(
        tenant,
        request,
        _listed,
        sources=[Source(keys.listing(tenant, COLLECTION, facet(tag)), 0, None)],
        index=None,
        query_name=f"{COLLECTION}?{question}",
        ascending=False,
        lower=None if within.start is None else sortable(within.start),
        upper=None if within.end is None else sortable(within.end),
        shows=lambda customer, _: shows(customer),
        total=total,
    )


def page_with_metadata(
    tenant: Tenant, request: PageRequest, *, question: str, pair: tuple[str, str], within: Period
) -> Page[str]:
    """Ids of customers that have a pair of metadata, newest first (C6)."""
    return page(
        tenant,
        request,
        _metadata_customer,
        pk=keys.listing(tenant, COLLECTION, metadata_facet(*pair)),
        index=None,
        query_name=f"{COLLECTION}:metadata:{question}",
        condition=in_period(within),
    )


def count_within(tenant: Tenant, tag: str | None, within: Period) -> int | None:
    """How many customers a list holds of a period; None beyond what page numbers reach (C4)."""
    return count(keys.listing(tenant, COLLECTION, facet(tag)), in_period(within))


def page_named(tenant: Tenant, request: PageRequest, *, question: str, word: str) -> Page[tuple[str, ListedCustomer]]:
    """Words of names beginning with ``word``, each with its customer, in alphabetical order (C5)."""
    return page(
        tenant,
        request,
        _named,
        pk=keys.term(tenant, COLLECTION, word),
        index=None,
        query_name=f"{COLLECTION}:name:{question}",
        ascending=True,
        # One character has a partition of its own, of the names that are as short.
        condition=Row.sk.startswith(word if len(word) > 1 else f"{word}#"),
    )


def collection(name: str) -> str:
    """What the counters of a list are kept under."""
    return f"{COLLECTION}:{name}"


def _row(tenant: Tenant, customer: Customer) -> CustomerRow:
    """The customer's own row; it counts the metadata that no list knows, so that nobody asks for it in vain."""
    unindexed = [f"{UNINDEXED}|{metadata_name(key)}" for key in unindexed_metadata(customer.metadata)]
    return CustomerRow(
        *keys.customer(tenant, customer.customer_id),
        addresses=[asdict(address) for address in customer.addresses],
        counted_in=unindexed or None,
        **_shown(customer),
    )


def _guard(tenant: Tenant, customer: Customer) -> CustomerEmailRow:
    return CustomerEmailRow(*keys.customer_email(tenant, customer.email), customer_id=customer.customer_id)


def _taken() -> Conflict:
    return Conflict("A customer with this e-mail address exists", field="email", reason="duplicate_email")


def _placed(tenant: Tenant, customer: Customer) -> dict[keys.Key, Row]:
    """The customer's rows in lists, under words and under metadata."""
    customer_id, shown = customer.customer_id, _shown(customer)
    by_time = keys.by_time(customer.created_at, customer_id)
    rows: list[Row] = [
        ListedCustomerRow(
            keys.listing(tenant, COLLECTION, name), by_time, counted_in=[f"{collection(name)}|all"], **shown
        )
        for name in customer.facets
    ]
    rows += [
        ListedCustomerRow(keys.term(tenant, COLLECTION, word), f"{word}#{customer_id}", **shown)
        for word in customer.terms
    ]
    rows += [
        CustomerMetadataRow(keys.listing(tenant, COLLECTION, name), by_time, customer_id=customer_id)
        for name in customer.metadata_facets
    ]
    return {keys.Key(row.pk, row.sk): row for row in rows}


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


def _metadata_customer(row: Row) -> str:
    assert isinstance(row, CustomerMetadataRow)
    return row.customer_id


def _named(row: Row) -> tuple[str, ListedCustomer]:
    return row.sk.split("#", 1)[0], _listed(row)
