"""The only code that builds keys. ``ACCESS_PATTERNS.md`` lists the entities and the patterns.

Every partition key begins with the tenant and its mode, ``T#<tenant>#<live|test>#…``, so that no query can reach
another tenant's rows or the other mode's. Index keys of listings and of a tenant's orders begin the same way. The audit
log has another first word, ``AUDIT#<tenant>#<live|test>#…``, by which permissions tell it from everything else.
"""

import zlib
from datetime import date, datetime
from typing import NamedTuple

from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.collation import BELOW, of_amount, of_text


class Key(NamedTuple):
    """Where a row lives."""

    pk: str
    sk: str


EXPIRY_SHARDS = 4
_PLATFORM = "T#~platform"


NOWHERE = Key(f"{_PLATFORM}#NOWHERE", "NOWHERE")  # no row ever stands there


def expiry_shard(entity_id: str) -> int:
    """In which shard of an index of due things this one stands."""
    return zlib.crc32(entity_id.encode()) % EXPIRY_SHARDS


def partition(tenant: Tenant) -> str:
    return f"T#{tenant.tenant_id}#{tenant.mode}"


# Access: the tenant and its keys have no mode; a key carries its own.


def tenant_row(tenant_id: str) -> Key:
    return Key(f"T#{tenant_id}#TENANT", "TENANT")


def api_key(tenant_id: str, key_id: str) -> Key:
    return Key(f"T#{tenant_id}#KEYS", f"KEY#{key_id}")


def all_tenants() -> str:
    """Index partition of all tenants, for schedules that serve each of them."""
    return f"{_PLATFORM}#TENANTS"


# Limits: how often a credential, an address, or all together about one subject, have called.


def caller_limit(tenant: Tenant, principal_id: str) -> Key:
    return Key(f"{partition(tenant)}#LIMIT#{principal_id}", "LIMIT")


def subject_limit(tenant_id: str, route: str, digest: str) -> Key:
    return Key(f"T#{tenant_id}#LIMIT#{route}#{digest}", "LIMIT")


def address_limit(route: str, digest: str) -> Key:
    """The platform's, so that naming another tenant gives no fresh budget."""
    return Key(f"{_PLATFORM}#LIMIT#{route}#{digest}", "LIMIT")


# Signing in: a client tells its tenant, so it is found without one.


def oauth_client(client_id: str) -> Key:
    return Key(f"{_PLATFORM}#OAUTH_CLIENT#{client_id}", "OAUTH_CLIENT")


def member(tenant_id: str, subject: str) -> Key:
    return Key(f"T#{tenant_id}#MEMBERS", f"MEMBER#{subject}")


def customer_login(tenant: Tenant, subject: str) -> Key:
    return Key(f"{partition(tenant)}#LOGIN#{subject}", "LOGIN")


def refresh_token(tenant: Tenant, token_hash: str) -> Key:
    return Key(f"{partition(tenant)}#REFRESH#{token_hash}", "REFRESH")


def revoked_grant(tenant: Tenant, grant_id: str) -> Key:
    return Key(f"{partition(tenant)}#REVOKED#{grant_id}", "REVOKED")


# Catalogue and stock: a product's stock rows stand in its partition, so one query reads both.


def product(tenant: Tenant, product_id: str) -> Key:
    return Key(f"{partition(tenant)}#PRODUCT#{product_id}", "PRODUCT")


def stock(tenant: Tenant, product_id: str, variant_id: str, warehouse_id: str) -> Key:
    return Key(product(tenant, product_id).pk, f"{STOCK_PREFIX}{variant_id}#{warehouse_id}")


STOCK_PREFIX = "STOCK#"


def movement(tenant: Tenant, product_id: str, movement_id: str) -> Key:
    return Key(f"{partition(tenant)}#MOVEMENTS#{product_id}", movement_id)


def stock_ledger(tenant: Tenant) -> str:
    """Index partition of all movements and goods issues, by when they were."""
    return f"{partition(tenant)}#STOCKLEDGER"


def stock_alerts(tenant: Tenant, product_id: str) -> str:
    return f"{partition(tenant)}#ALERTS#{product_id}"


def stock_alert(tenant: Tenant, product_id: str, variant_id: str | None, warehouse_id: str | None) -> Key:
    """One per variant or all of them, in a warehouse or all of them; no id is ``*``."""
    return Key(stock_alerts(tenant, product_id), f"{variant_id or '*'}#{warehouse_id or '*'}")


def purchase_order(tenant: Tenant, purchase_order_id: str) -> Key:
    return Key(f"{partition(tenant)}#PURCHASE#{purchase_order_id}", "PURCHASE")


def open_draft(tenant: Tenant, product_id: str, variant_id: str | None, warehouse_id: str | None) -> Key:
    """Says that a purchase order of what an alert watches is a draft."""
    scope = stock_alert(tenant, product_id, variant_id, warehouse_id)
    return Key(f"{partition(tenant)}#DRAFTS#{product_id}", scope.sk)


def all_purchase_orders(tenant: Tenant) -> str:
    return f"{partition(tenant)}#PURCHASES"


def purchase_orders_in_status(tenant: Tenant, status: str) -> str:
    return f"{partition(tenant)}#PURCHASES#{status}"


def sku(tenant: Tenant, code: str) -> Key:
    return Key(f"{partition(tenant)}#SKU#{code}", "SKU")


# Listings: a copy of the row in each list that it belongs to, so that a list page is one query.


def listing(tenant: Tenant, collection: str, facet: str) -> str:
    return f"{partition(tenant)}#LIST#{collection}#{facet}"


def by_name(name: str, entity_id: str) -> str:
    """Sort key for lists in alphabetical order, whatever the case; an index key holds 1,024 bytes."""
    return f"{of_text(name)}{BELOW}{entity_id}"


def by_amount(thousandths: int, entity_id: str) -> str:
    """Sort key for lists in order of an amount, in thousandths of the major unit whatever the currency's exponent."""
    return f"{of_amount(thousandths)}#{entity_id}"


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


def checkout(tenant: Tenant, cart_id: str) -> Key:
    """Tells whose cart it is, and which order became of it."""
    return Key(f"{partition(tenant)}#CHECKOUT#{cart_id}", "CHECKOUT")


# Promotions. A coupon's uses stand in its partition: COUPON < CUSTOMER#… < USE#….


def coupon(tenant: Tenant, coupon_id: str) -> Key:
    """The id follows from the code, so that a code is unique and either finds the coupon."""
    return Key(f"{partition(tenant)}#COUPON#{coupon_id}", "COUPON")


def coupon_use(tenant: Tenant, coupon_id: str, order_id: str) -> Key:
    return Key(coupon(tenant, coupon_id).pk, f"USE#{order_id}")


def coupon_of_customer(tenant: Tenant, coupon_id: str, customer_id: str) -> Key:
    """How many orders of a customer use a coupon."""
    return Key(coupon(tenant, coupon_id).pk, f"CUSTOMER#{customer_id}")


def all_coupons(tenant: Tenant) -> str:
    return f"{partition(tenant)}#COUPONS"


DISCOUNT_PREFIX = "DISCOUNT#"


def automatic_discounts(tenant: Tenant) -> str:
    return f"{partition(tenant)}#DISCOUNTS"


def automatic_discount(tenant: Tenant, discount_id: str) -> Key:
    return Key(automatic_discounts(tenant), f"{DISCOUNT_PREFIX}{discount_id}")


def live_discounts(tenant: Tenant) -> Key:
    """Copies of the automatic discounts that are, or will be, live: what a purchase reads of them."""
    return Key(automatic_discounts(tenant), "LIVE")


# Stored value. A card's redemptions and ledger entries stand in its partition, a customer's lots and entries of store
# credit in another: CARD < POSTING#… < REDEMPTION#…, and LOT#… < POSTING#….


def gift_card(tenant: Tenant, serial: str) -> Key:
    """``serial`` as ``gift_cards.serials.normalise`` writes it."""
    return Key(f"{partition(tenant)}#CARD#{serial}", "CARD")


REDEMPTION_PREFIX = "REDEMPTION#"


def redemption(tenant: Tenant, serial: str, redemption_id: str) -> Key:
    return Key(gift_card(tenant, serial).pk, f"{REDEMPTION_PREFIX}{redemption_id}")


def all_gift_cards(tenant: Tenant) -> str:
    return f"{partition(tenant)}#CARDS"


def gift_cards_of_owner(tenant: Tenant, email: str) -> str:
    return f"{partition(tenant)}#CARDS#OF#{email.casefold()}"


def due_gift_cards(shard: int) -> str:
    """Index partition of cards that expire, of all tenants, by the instant they do."""
    return f"DUE#CARD#{shard}"


def due_redemptions(shard: int) -> str:
    """Index partition of held redemptions, of all tenants, by the instant they expire."""
    return f"DUE#REDEMPTION#{shard}"


def gift_card_batch(tenant: Tenant, batch_id: str) -> Key:
    return Key(f"{partition(tenant)}#CARDBATCH#{batch_id}", "BATCH")


def unfinished_gift_card_batches() -> str:
    """Index partition of batches that are being issued, of all tenants, by when something last happened to them."""
    return "DUE#CARDBATCH"


def credit_account(tenant: Tenant, customer_id: str) -> Key:
    """The partition of a customer's store credit; no row has this very key."""
    return Key(f"{partition(tenant)}#CREDIT#{customer_id}", "CREDIT")


LOT_PREFIX = "LOT#"


def credit_lot(tenant: Tenant, customer_id: str, credit_id: str) -> Key:
    return Key(credit_account(tenant, customer_id).pk, f"{LOT_PREFIX}{credit_id}")


def credit_pointer(tenant: Tenant, credit_id: str) -> Key:
    """Tells whose lot it is."""
    return Key(f"{partition(tenant)}#CREDITLOT#{credit_id}", "CREDITLOT")


def all_credit_lots(tenant: Tenant) -> str:
    return f"{partition(tenant)}#CREDITLOTS"


def due_credit_lots(shard: int) -> str:
    """Index partition of lots that expire, of all tenants, by the instant they do."""
    return f"DUE#CREDIT#{shard}"


# Orders. In an order's partition the order row sorts right after its timeline: ALLOCATION#… < ATTACHMENT#… <
# ATTACHMENTS < CUSTOMER_MAIL#… < DISPUTE#… < EVENT#… < ORDER < PAYMENT#… < POSTING#… < REFUND#… < RETURN#… <
# SHIPMENT#… < STOCK#… < TIMEOUT. One descending query from ORDER down to EVENT# therefore reads the order and its
# newest events.


def order(tenant: Tenant, order_id: str) -> Key:
    return Key(f"{partition(tenant)}#ORDER#{order_id}", "ORDER")


TIMELINE_PREFIX = "EVENT#"


def timeline(tenant: Tenant, order_id: str, version: int, place: str) -> Key:
    """Events sort by the order's version that they belong to, then by their place in it: a total order."""
    return Key(order(tenant, order_id).pk, f"{TIMELINE_PREFIX}{version:08d}#{place}")


ATTACHMENT_PREFIX = "ATTACHMENT#"


def attachment(tenant: Tenant, order_id: str, attachment_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"{ATTACHMENT_PREFIX}{attachment_id}")


def attachment_set(tenant: Tenant, order_id: str) -> Key:
    """What all attachments of an order have in common."""
    return Key(order(tenant, order_id).pk, "ATTACHMENTS")


PAYMENT_PREFIX = "PAYMENT#"


def payment(tenant: Tenant, order_id: str, created_at: datetime, intent_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"{PAYMENT_PREFIX}{by_time(created_at, intent_id)}")


def intent(tenant: Tenant, intent_id: str) -> Key:
    """Tells which order an intent is for."""
    return Key(f"{partition(tenant)}#INTENT#{intent_id}", "INTENT")


def all_payments(tenant: Tenant) -> str:
    return f"{partition(tenant)}#PAYMENTS"


def payments_in_status(tenant: Tenant, status: str) -> str:
    return f"{partition(tenant)}#PAYMENTS#{status}"


def payments_of_customer(tenant: Tenant, customer_id: str) -> str:
    return f"{partition(tenant)}#CUSTOMER#{customer_id}#PAYMENTS"


def goods_issue(tenant: Tenant, order_id: str, issue_id: str) -> Key:
    """What left the warehouses for an order."""
    return Key(order(tenant, order_id).pk, f"STOCK#{issue_id}")


SHIPMENT_PREFIX = "SHIPMENT#"


def shipment(tenant: Tenant, order_id: str, shipment_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"{SHIPMENT_PREFIX}{shipment_id}")


def order_timeout(tenant: Tenant, order_id: str) -> Key:
    return Key(order(tenant, order_id).pk, "TIMEOUT")


def customer_mail(tenant: Tenant, order_id: str, notice: str, subject_id: str) -> Key:
    """One per kind of notice and what it is about."""
    return Key(order(tenant, order_id).pk, f"CUSTOMER_MAIL#{notice}#{subject_id}")


DISPUTE_PREFIX = "DISPUTE#"


def dispute(tenant: Tenant, order_id: str, created_at: datetime, dispute_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"{DISPUTE_PREFIX}{by_time(created_at, dispute_id)}")


def dispute_pointer(tenant: Tenant, dispute_id: str) -> Key:
    """Tells which order a dispute is about."""
    return Key(f"{partition(tenant)}#DISPUTE#{dispute_id}", "DISPUTE")


def dispute_evidence(tenant: Tenant, dispute_id: str) -> Key:
    return Key(dispute_pointer(tenant, dispute_id).pk, "EVIDENCE")


def all_disputes(tenant: Tenant) -> str:
    return f"{partition(tenant)}#DISPUTES"


def disputes_in_status(tenant: Tenant, status: str) -> str:
    return f"{partition(tenant)}#DISPUTES#{status}"


def invoice(tenant: Tenant, order_id: str) -> Key:
    """Not in the order's partition, where it would stand between the order and its newest events."""
    return Key(f"{partition(tenant)}#INVOICE#{order_id}", "INVOICE")


def invoice_numbers(tenant: Tenant) -> Key:
    return Key(f"{partition(tenant)}#INVOICES", "NUMBERS")


REFUND_PREFIX = "REFUND#"


def refund(tenant: Tenant, order_id: str, refund_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"{REFUND_PREFIX}{refund_id}")


def due_refunds(shard: int) -> str:
    """Index partition of refunds that the payment provider has not answered, of all tenants, by when to ask again."""
    return f"DUE#REFUND#{shard}"


RETURN_PREFIX = "RETURN#"


def return_of_order(tenant: Tenant, order_id: str, requested_at: datetime, return_id: str) -> Key:
    """Tells that a return is one of this order's."""
    return Key(order(tenant, order_id).pk, f"{RETURN_PREFIX}{by_time(requested_at, return_id)}")


def due_orders(shard: int) -> str:
    """Index partition of orders that wait for their payment, of all tenants, by the instant they expire."""
    return f"DUE#ORDER#{shard}"


def orders_of_customer(tenant: Tenant, customer_id: str) -> str:
    return f"{partition(tenant)}#CUSTOMER#{customer_id}#ORDERS"


def by_time(instant: datetime, entity_id: str) -> str:
    """Sort key for lists in order of time, the id as tie-breaker."""
    return f"{sortable(instant)}#{entity_id}"


# Returns. In a return's partition its history sorts before it: EVENT#… < RETURN < WORKFLOW.


def return_(tenant: Tenant, return_id: str) -> Key:
    return Key(f"{partition(tenant)}#RETURN#{return_id}", "RETURN")


def return_step(tenant: Tenant, return_id: str, version: int) -> Key:
    return Key(return_(tenant, return_id).pk, f"{TIMELINE_PREFIX}{version:08d}")


def rma(tenant: Tenant, number: str) -> Key:
    """Tells which return a parcel belongs to."""
    return Key(f"{partition(tenant)}#RMA#{number}", "RMA")


def all_returns(tenant: Tenant) -> str:
    return f"{partition(tenant)}#RETURNS"


def returns_in_status(tenant: Tenant, status: str) -> str:
    return f"{partition(tenant)}#RETURNS#{status}"


def due_returns(shard: int) -> str:
    """Index partition of returns that wait for somebody, of all tenants, by the instant they wait no more."""
    return f"DUE#RETURN#{shard}"


def return_workflow(tenant: Tenant, return_id: str) -> Key:
    return Key(return_(tenant, return_id).pk, "WORKFLOW")


def due_return_workflows(shard: int) -> str:
    """Index partition of returns that have not ended, of all tenants, by when to look after their workflow."""
    return f"DUE#RETURNWORKFLOW#{shard}"


# Backorders. A queue's rows stand in the order in which they are served.


def backorder(tenant: Tenant, backorder_id: str) -> Key:
    return Key(f"{partition(tenant)}#BACKORDER#{backorder_id}", "BACKORDER")


def backorders(tenant: Tenant, kind: str) -> str:
    return f"{partition(tenant)}#BACKORDERS#{kind}"


def waiting_backorders(tenant: Tenant, kind: str) -> str:
    return f"{partition(tenant)}#BACKORDERS#{kind}#WAITING"


def queue(tenant: Tenant, variant_id: str) -> str:
    """Those who wait for a variant."""
    return listing(tenant, "waiting", variant_id)


def place_in_queue(
    tenant: Tenant, variant_id: str, priority: int, placed_at: datetime, line_number: int, backorder_id: str
) -> Key:
    """A higher priority (0 to 9) comes first, then who was there first."""
    place = f"{9 - priority}#{sortable(placed_at)}#{line_number:03d}#{backorder_id}"
    return Key(queue(tenant, variant_id), place)


def due_backorders(shard: int) -> str:
    """Index partition of backorders whose customers have a date, of all tenants, by when it is over."""
    return f"DUE#BACKORDER#{shard}"


def allocation_run(tenant: Tenant, run_id: str) -> Key:
    return Key(f"{partition(tenant)}#ALLOCATIONRUN#{run_id}", "RUN")


def allocation(tenant: Tenant, order_id: str, allocation_id: str) -> Key:
    return Key(order(tenant, order_id).pk, f"ALLOCATION#{allocation_id}")


# Jobs: what is too much for one request


def job(tenant: Tenant, job_id: str) -> Key:
    return Key(f"{partition(tenant)}#JOB#{job_id}", "JOB")


def unfinished_jobs() -> str:
    """Index partition of jobs that are not over, of all tenants, by when something last happened to them."""
    return "DUE#JOB"


# Ledger, events, counters, idempotency


POSTING_PREFIX = "POSTING#"  # of entries, in the partition of the order, card or customer whose book they are in


def ledger_day(tenant: Tenant, local_day: date, shard: int) -> str:
    return f"LEDGER#{tenant.tenant_id}#{tenant.mode}#{local_day}#{shard}"


def entries_of_order(tenant: Tenant, order_id: str) -> str:
    return f"{partition(tenant)}#ORDER#{order_id}#POSTINGS"


def entries_of_credit(tenant: Tenant, customer_id: str) -> str:
    return f"{credit_account(tenant, customer_id).pk}#POSTINGS"


def liability_exports(tenant: Tenant) -> str:
    return f"{partition(tenant)}#LIABILITY"


def liability_export(tenant: Tenant, local_day: date) -> Key:
    return Key(liability_exports(tenant), local_day.isoformat())


def outbox(tenant: Tenant, aggregate_id: str, sequence: int) -> Key:
    return Key(f"{partition(tenant)}#OUTBOX#{aggregate_id}", f"{sequence:08d}")


def counter(tenant: Tenant, collection: str) -> Key:
    return Key(f"{partition(tenant)}#COUNT#{collection}", "COUNT")


def applied(stream_event_id: str) -> Key:
    """Marks a stream record whose counts are in the counters."""
    return Key(f"{_PLATFORM}#APPLIED#{stream_event_id}", "APPLIED")


def operation(tenant: Tenant, principal_id: str, key: str) -> Key:
    return Key(f"{partition(tenant)}#OPERATION#{principal_id}#{key}", "OPERATION")


def audit(tenant: Tenant, facet: str) -> str:
    """The partition, or index partition, of one list of the audit log.

    It begins unlike all others, so that a permission can tell it from any key that holds a caller's own words: only the
    log's recorder may write there.
    """
    return f"AUDIT#{tenant.tenant_id}#{tenant.mode}#{facet}"


def stripe_event(event_id: str) -> Key:
    return Key(f"{_PLATFORM}#STRIPE_EVENT#{event_id}", "STRIPE_EVENT")


def payment_check(mode: Mode, day: date) -> Key:
    return Key(f"{_PLATFORM}#PAYMENT_CHECKS#{mode}", day.isoformat())


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
