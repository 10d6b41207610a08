"""The only code that builds keys. ``ACCESS_PATTERNS.md`` lists the entities and the patterns.

Every partition key begins with the tenant and its mode, ``T#<tenant>#<live|test>#…``, so that no query can reach
another tenant's rows or the other mode's. Index keys of listings and of a tenant's orders begin the same way.
"""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.clock import sortable


class Key(NamedTuple):
    """Where a row lives."""

    pk: str
    sk: str


EXPIRY_SHARDS = 4
_PLATFORM = "T#~platform"


NOWHERE = Key(f"{_PLATFORM}#NOWHERE", "NOWHERE")  # no row ever stands there


def partition(tenant: Tenant) -> str:
    return f"T#{tenant.tenant_id}#{tenant.mode}"


# Access: the tenant and its keys have no mode; a key carries its own.


def tenant_row(tenant_id: str) -> Key:
    return Key(f"T#{tenant_id}#TENANT", "TENANT")


def api_key(tenant_id: str, key_id: str) -> Key:
    return Key(f"T#{tenant_id}#KEYS", f"KEY#{key_id}")


# Limits: how often a credential, an address, or all together about one subject, have called.


def caller_limit(tenant: Tenant, principal_id: str) -> Key:
    return Key(f"{partition(tenant)}#LIMIT#{principal_id}", "LIMIT")


def subject_limit(tenant_id: str, route: str, digest: str) -> Key:
    return Key(f"T#{tenant_id}#LIMIT#{route}#{digest}", "LIMIT")


def address_limit(route: str, digest: str) -> Key:
    """The platform's, so that naming another tenant gives no fresh budget."""
    return Key(f"{_PLATFORM}#LIMIT#{route}#{digest}", "LIMIT")


# Catalogue and stock: a product's stock rows stand in its partition, so one query reads both.


def product(tenant: Tenant, product_id: str) -> Key:
    return Key(f"{partition(tenant)}#PRODUCT#{product_id}", "PRODUCT")


def stock(tenant: Tenant, product_id: str, variant_id: str, warehouse_id: str) -> Key:
    return Key(product(tenant, product_id).pk, f"{STOCK_PREFIX}{variant_id}#{warehouse_id}")


STOCK_PREFIX = "STOCK#"


def movement(tenant: Tenant, product_id: str, movement_id: str) -> Key:
    return Key(f"{partition(tenant)}#MOVEMENTS#{product_id}", movement_id)


def sku(tenant: Tenant, code: str) -> Key:
    return Key(f"{partition(tenant)}#SKU#{code}", "SKU")


# Listings: a copy of the row in each list that it belongs to, so that a list page is one query.


def listing(tenant: Tenant, collection: str, facet: str) -> str:
    return f"{partition(tenant)}#LIST#{collection}#{facet}"


def by_name(name: str, entity_id: str) -> str:
    """Sort key for lists in alphabetical order, whatever the case; an index key holds 1,024 bytes."""
    return f"{name.casefold()[:SORTED_CHARACTERS]}{BELOW_TEXT}{entity_id}"


SORTED_CHARACTERS = 200
BELOW_TEXT = "\0"  # ends a name in a key, below every character, so that "Tee" stands before "Tee, blue"


def by_amount(thousandths: int, entity_id: str) -> str:
    """Sort key for lists in order of an amount, in thousandths of the major unit whatever the currency's exponent is.

    Padded, so that text sorts as numbers do.
    """
    return f"{thousandths:018d}#{entity_id}"


def term(tenant: Tenant, collection: str, word: str) -> str:
    """The partition of all words that share their first two letters."""
    return f"{partition(tenant)}#TERM#{collection}#{word[:2]}"


# Customers and carts


def customer(tenant: Tenant, customer_id: str) -> Key:
    return Key(f"{partition(tenant)}#CUSTOMER#{customer_id}", "CUSTOMER")


def customer_summary(tenant: Tenant, customer_id: str) -> Key:
    return Key(customer(tenant, customer_id).pk, "CUSTOMER#SUMMARY")


def customer_email(tenant: Tenant, email: str) -> Key:
    return Key(f"{partition(tenant)}#EMAIL#{email.casefold()}", "EMAIL")


def cart(tenant: Tenant, customer_id: str) -> Key:
    return Key(f"{partition(tenant)}#CART#{customer_id}", "CART")


# Orders. In an order's partition the order row sorts after its timeline and before its payments and postings:
# EVENT#… < ORDER < PAYMENT#… < POSTING#… < TIMEOUT. One descending query from ORDER down to EVENT# therefore reads the
# order and its newest events.


def order(tenant: Tenant, order_id: str) -> Key:
    return Key(f"{partition(tenant)}#ORDER#{order_id}", "ORDER")


TIMELINE_PREFIX = "EVENT#"


def timeline(tenant: Tenant, order_id: str, version: int, index: int) -> Key:
    """Events sort by the order's version that they belong to, then by their place in it: a total order."""
    return Key(order(tenant, order_id).pk, f"{TIMELINE_PREFIX}{version:08d}#{index:02d}")


def payment(tenant: Tenant, order_id: str, intent_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"PAYMENT#{intent_id}")


def posting(tenant: Tenant, order_id: str, operation_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"POSTING#{operation_id}")


def order_timeout(tenant: Tenant, order_id: str) -> Key:
    return Key(order(tenant, order_id).pk, "TIMEOUT")


def due_orders(shard: int) -> str:
    """Index partition of orders that wait for their payment, of all tenants, by the instant they expire."""
    return f"DUE#ORDER#{shard}"


def all_orders(tenant: Tenant) -> str:
    return f"{partition(tenant)}#ORDERS"


def orders_in_status(tenant: Tenant, status: str) -> str:
    return f"{partition(tenant)}#ORDERS#{status}"


def orders_of_customer(tenant: Tenant, customer_id: str) -> str:
    return f"{partition(tenant)}#CUSTOMER#{customer_id}#ORDERS"


def by_time(instant: datetime, entity_id: str) -> str:
    """Sort key for lists in order of time, the id as tie-breaker."""
    return f"{sortable(instant)}#{entity_id}"


# Ledger, events, counters, idempotency


def ledger_day(tenant: Tenant, currency: str, local_day: str, shard: int) -> str:
    return f"LEDGER#{tenant.tenant_id}#{tenant.mode}#{currency}#{local_day}#{shard}"


def outbox(tenant: Tenant, aggregate_id: str, sequence: int) -> Key:
    return Key(f"{partition(tenant)}#OUTBOX#{aggregate_id}", f"{sequence:08d}")


def counter(tenant: Tenant, collection: str) -> Key:
    return Key(f"{partition(tenant)}#COUNT#{collection}", "COUNT")


def applied(stream_event_id: str) -> Key:
    """Marks a stream record whose counts are in the counters."""
    return Key(f"{_PLATFORM}#APPLIED#{stream_event_id}", "APPLIED")


def operation(tenant: Tenant, principal_id: str, key: str) -> Key:
    """The caller chose ``key``; quoted, it cannot look like another kind of partition to a permission."""
    return Key(f"{partition(tenant)}#OPERATION#{principal_id}#{quote(key, safe='')}", "OPERATION")


def audit(tenant: Tenant, facet: str) -> str:
    """The partition, or index partition, of one list of the audit log. Only its recorder may write such keys."""
    return f"{partition(tenant)}#AUDIT#{facet}"


def stripe_event(event_id: str) -> Key:
    return Key(f"{_PLATFORM}#STRIPE_EVENT#{event_id}", "STRIPE_EVENT")


def health_day(day: str) -> Key:
    return Key(f"{_PLATFORM}#HEALTH", day)


def shop_of(pk: str) -> tuple[str, Mode | None]:
    """Read a tenant's id and the mode back from a partition key; what belongs to the shop as a whole has no mode."""
    _, tenant_id, mode, *_ = pk.split("#")
    return tenant_id, Mode(mode) if mode in set(Mode) else None


def tenant_of(pk: str) -> Tenant:
    """Read tenant and mode back from a partition key (stream consumers know nothing else of a row's tenant)."""
    _, tenant_id, mode, *_ = pk.split("#")
    return Tenant(tenant_id=tenant_id, mode=Mode(mode))
