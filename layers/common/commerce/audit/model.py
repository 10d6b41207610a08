"""What the audit log says of a change: who did what to which resource, the values before and after (contract AL-01).

Resources are declared here by the kind of their row: which attributes are shown, under which name, in the wire's units.
What is not declared is not in the log, and a test demands a decision about every attribute of an audited row.

The log outlives what it tells of, so it holds pseudonymous keys only (contract X-42): that a name, an address or a note
was changed is in it, what it was changed to is not. Secrets and their hashes are in it in no form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from commerce.kernel import wire_json
from commerce.kernel.caller import Role, Tenant
from commerce.kernel.clock import parse, rfc3339
from commerce.kernel.money import Money

MASK = "***"
MAX_SHOWN = 2000  # characters of JSON; a longer value is told by its length
MAX_AGENT = 256

type Image = Mapping[str, Any]
"""A row's attributes: numbers, and texts (JSON where the attribute is a document)."""


class ResourceType(StrEnum):
    PRODUCT = "product"
    INVENTORY = "inventory"
    INVENTORY_ALERT = "inventory_alert"
    PURCHASE_ORDER = "purchase_order"
    CUSTOMER = "customer"
    CART = "cart"
    ORDER = "order"
    ORDER_NOTE = "order_note"
    ATTACHMENT = "attachment"
    RETURN = "return"
    PAYMENT = "payment"
    DISPUTE = "dispute"
    API_KEY = "api_key"
    TENANT = "tenant"
    MEMBER = "member"
    OAUTH_CLIENT = "oauth_client"
    GIFT_CARD = "gift_card"
    GIFT_CARD_BATCH = "gift_card_batch"
    STORE_CREDIT = "store_credit"
    JOB = "job"
    COUPON = "coupon"
    AUTOMATIC_DISCOUNT = "automatic_discount"
    REFUND = "refund"
    INVOICE = "invoice"


# How long entries are kept, by the tenant's plan at the time of the change (contract ).
RETENTION: Mapping[str, timedelta] = {
    "free": timedelta(days=90),
    "starter": timedelta(days=90),
    "professional": timedelta(days=365),
    "business": timedelta(days=365),
    "enterprise": timedelta(days=7 * 365 + 2),
}


# How an attribute is shown


type Show = Callable[[Any, str], Any]
"""From an attribute's value, and the row's currency, to what the log shows."""


def plain(value: Any, _currency: str) -> Any:
    return value


def document(value: Any, _currency: str) -> Any:
    return wire_json.loads(value)


def localised(value: Any, _currency: str) -> Any:
    """A text by language; the text alone where there is one."""
    languages = wire_json.loads(value)
    return next(iter(languages.values())) if len(languages) == 1 else languages


def instant(value: Any, _currency: str) -> Any:
    return rfc3339(parse(value))


def money(value: Any, currency: str) -> Any:
    """Decimal major units."""
    return Money(int(value), currency).major


def masked(_value: Any, _currency: str) -> Any:
    """That there is a value, and nothing of it."""
    return MASK


def _variants(value: Any, currency: str) -> Any:
    variants = wire_json.loads(value)
    return [each | {"price": None if each["price"] is None else money(each["price"], currency)} for each in variants]


def _lines(value: Any, currency: str) -> Any:
    shown = ("id", "product_id", "variant_id", "sku", "quantity")
    return [
        {name: each[name] for name in shown} | {"price": money(each["unit_price"], currency)} | _waiting(each)
        for each in wire_json.loads(value)
    ]


def _waiting(line: Any) -> dict[str, Any]:
    """What a line that had to wait for stock still waits for."""
    if "backorder_id" not in line:
        return {}
    allocated = sum(quantity for _, quantity, _ in line["allocations"])
    return {"waiting": line["quantity"] - allocated, "expected_date": line.get("expected_on")}


def _tenders(value: Any, currency: str) -> Any:
    """Without the cards' serials: nobody needs them here."""
    amounts = ("amount", "given_back")
    return [
        {"type": each["kind"], "id": each["tender_id"]} | {name: money(each[name], currency) for name in amounts}
        for each in wire_json.loads(value)
    ]


def _paying(value: Any, currency: str) -> Any:
    return [{"id": each["redemption_id"], "amount": money(each["amount"], currency)} for each in wire_json.loads(value)]


def _return_items(value: Any, _currency: str) -> Any:
    return [{"id": line, "quantity": quantity, "reason": reason} for line, quantity, reason in wire_json.loads(value)]


def _receipts(value: Any, _currency: str) -> Any:
    return [
        {"id": line, "quantity": quantity, "disposition": disposition, "location": warehouse}
        for line, quantity, disposition, _condition, warehouse in wire_json.loads(value)
    ]


def _sold(value: Any, currency: str) -> Any:
    return [{"id": each["line_id"], "amount": money(each["amount"], currency)} for each in wire_json.loads(value)]


def _discounts(value: Any, currency: str) -> Any:
    return [
        {
            "type": each["kind"],
            "id": each["discount_id"],
            "code": each["code"],
            "amount": money(each["amount"], currency),
            "shipping": money(each["shipping"], currency),
        }
        for each in wire_json.loads(value)
    ]


@dataclass(frozen=True, slots=True)
class Field:
    attribute: str
    show: Show = plain


# What happened


type Rule = Callable[[Image, Image], str | None]
"""From the row before (empty where there was none) and after to a verb, or None where the rule does not apply."""


def created(before: Image, _after: Image) -> str | None:
    return None if before else "created"


def updated(_before: Image, _after: Image) -> str | None:
    return "updated"


def became(attribute: str, value: str, verb: str) -> Rule:
    def rule(before: Image, after: Image) -> str | None:
        return verb if after.get(attribute) == value != before.get(attribute) else None

    return rule


def changed(attribute: str, verb: str) -> Rule:
    def rule(before: Image, after: Image) -> str | None:
        return verb if before.get(attribute) != after.get(attribute) else None

    return rule


def _adjusted(before: Image, after: Image) -> str | None:
    """What is on hand changed. Setting stock aside does not change it; the entry of the order tells of that."""

    def on_hand(image: Image) -> int:
        return int(image.get("available", 0)) + int(image.get("reserved", 0))

    return "adjusted" if on_hand(before) != on_hand(after) else None


@dataclass(frozen=True, slots=True)
class Resource:
    """How rows of one kind are told of. The first rule that gives a verb decides; where none does, nothing is told.

    ``details`` name what else the change is about; ``left_out`` the attributes that the log does not hold.
    """

    type: ResourceType
    identity: str
    fields: Mapping[str, Field]
    rules: tuple[Rule, ...] = (created, updated)
    details: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


def _same(*names: str, show: Show = plain) -> dict[str, Field]:
    """Fields that the wire calls as the row does."""
    return {name: Field(name, show) for name in names}


_MOVES_OF_RETURNS = ("approved", "received", "refunded", "closed", "rejected", "cancelled")
_MADE = frozenset({"created_at", "updated_at", "version"})  # the entry's own time and order tell as much

RESOURCES: Mapping[str, Resource] = {
    "product": Resource(
        ResourceType.PRODUCT,
        "product_id",
        {
            **_same("sku", "currency", "status", "when_out_of_stock", "expected_on"),
            **_same("categories", "images", "metadata", show=document),
            "name": Field("names", localised),
            "description": Field("descriptions", localised),
            "price": Field("price", money),
            "variants": Field("variants", _variants),
        },
        rules=(created, became("status", "archived", "deleted"), updated),
        left_out=_MADE,
    ),
    "stock": Resource(
        ResourceType.INVENTORY,
        "product_id",
        _same("available", "reserved"),
        rules=(_adjusted,),
        details=("variant_id", "warehouse_id"),
    ),
    "stock_alert": Resource(
        ResourceType.INVENTORY_ALERT,
        "alert_id",
        {
            **_same("product_id", "variant_id", "threshold", "status"),
            **_same("reorder", show=document),
            "location": Field("warehouse_id"),
        },
        rules=(
            created,
            became("status", "removed", "deleted"),
            became("status", "active", "created"),
            changed("threshold", "updated"),
            changed("reorder", "updated"),  # what it was told of is no change to an alert
        ),
        left_out=_MADE | {"told", "sequence"},
    ),
    "purchase_order": Resource(
        ResourceType.PURCHASE_ORDER,
        "purchase_order_id",
        {
            **_same("alert_id", "product_id", "variant_id", "quantity", "supplier", "status"),
            "location": Field("warehouse_id"),
        },
        rules=(created, *(became("status", status, status) for status in ("ordered", "cancelled")), updated),
        left_out=_MADE,
    ),
    "customer": Resource(
        ResourceType.CUSTOMER,
        "customer_id",
        {
            **_same("email", "first_name", "last_name", "phone", "metadata", "addresses", show=masked),
            "tags": Field("tags", document),
        },
        left_out=_MADE,
    ),
    "cart": Resource(
        ResourceType.CART,
        "cart_id",
        {
            "items": Field("items", document),
            "coupons": Field("coupons", document),
            "shipping_option": Field("shipping_option"),
            "store_credit": Field("store_credit", money),
            "gift_cards": Field("gift_cards", _paying),
            **_same("gift_card_items", "shipping_address", "billing_address", show=masked),
        },
        details=("customer_id",),
        left_out=frozenset({"currency", "updated_at", "version"}),
    ),
    "order": Resource(
        ResourceType.ORDER,
        "order_id",
        {
            **_same("customer_id", "currency", "status", "payment_status", "fulfillment_status", "cart_id"),
            **_same("payment_method", "shipping_method", "payment_intent_id"),
            **_same("tracking_number", "carrier", "estimated_delivery"),
            **_same("expires_at", "shipped_at", "delivered_at", show=instant),
            **_same("discount", "shipping", "tax", "total", "refunded", show=money),
            **_same("refunding", "compensated", "disputed", "shipping_refunded", show=money),
            **_same("shipping_address", "billing_address", "metadata", show=masked),
            "customer": Field("buyer", masked),
            "items": Field("lines", _lines),
            "tenders": Field("tenders", _tenders),
            "gift_cards": Field("gift_cards", _sold),
            "discounts": Field("discounts", _discounts),
        },
        rules=(created, became("status", "cancelled", "cancelled"), updated),
        left_out=frozenset({"placed_at", "updated_at", "version", "sequence", "payment_attempts", "units"}),
    ),
    "refund": Resource(
        ResourceType.REFUND,
        "refund_id",
        {
            **_same("order_id", "payment_id", "return_id", "provider_id", "currency", "status", "failure", "door"),
            **_same("reason"),
            **_same("amount", show=money),
        },
        rules=(created, updated),
        left_out=frozenset({"parts", "steps", "lines", "requested_at", "updated_at", "actor", "attempts", "version"}),
    ),
    "invoice": Resource(
        ResourceType.INVOICE,
        "number",
        {**_same("order_id", "currency"), **_same("total", show=money)},
        left_out=frozenset({"issued_at", "content"}),
    ),
    "note": Resource(
        ResourceType.ORDER_NOTE,
        "order_id",
        _same("content", show=masked),
        details=("note_id",),
        left_out=frozenset({"version", "index", "at", "actor", "type", "status", "data"}),
    ),
    "attachment": Resource(
        ResourceType.ATTACHMENT,
        "attachment_id",
        {
            **_same("content_type", "size", "status"),
            **_same("filename", "description", show=masked),
            "kind": Field("file_kind"),
            "sha256": Field("digest"),
        },
        rules=(created, became("status", "removed", "deleted"), updated),
        details=("order_id",),
        left_out=_MADE | {"added_by"},
    ),
    "return": Resource(
        ResourceType.RETURN,
        "return_id",
        {
            **_same("customer_id", "status", "currency", "rma_number", "refund_id"),
            "refund_method": Field("method"),
            "total_refund": Field("refund", money),
            "items": Field("items", _return_items),
            "receipts": Field("receipts", _receipts),
            "deadline": Field("deadline", instant),
            "ended_because": Field("ended_because", masked),
        },
        rules=(
            created,
            became("status", "partially_received", "received"),
            *(became("status", status, status) for status in _MOVES_OF_RETURNS),
            updated,
        ),
        details=("order_id",),
        left_out=frozenset({"requested_at", "updated_at", "version", "sequence"}),
    ),
    "gift_card": Resource(
        ResourceType.GIFT_CARD,
        "gift_card_id",
        {
            **_same("status", "currency", "funding", "design", "delivery", "expires_on", "batch_id", "order_id"),
            **_same("original", "balance", "held", show=money),
            **_same("owner_email", "recipient_email", "message", "sender", show=masked),
        },
        rules=(
            created,
            became("status", "cancelled", "cancelled"),
            became("status", "suspended", "suspended"),
            became("status", "active", "activated"),
            changed("owner_email", "transferred"),
            changed("pin_generation", "reissued"),
            updated,
        ),
        left_out=frozenset(
            {"serial", "pin_hash", "pin_generation", "created_at", "updated_at", "activated_at", "expires_at"}
            | {"holds", "entries", "sequence", "version"}
        ),
    ),
    "gift_card_batch": Resource(
        ResourceType.GIFT_CARD_BATCH,
        "batch_id",
        _same("status", "quantity", "issued", "downloads"),
        rules=(created, became("status", "issued", "issued"), changed("downloads", "downloaded")),
        left_out=_MADE | {"rows", "actor", "sequence"},
    ),
    "job": Resource(
        ResourceType.JOB,
        "job_id",
        _same("type", "format", "status", "total", "done", "refused"),
        rules=(created, *(became("status", status, status) for status in ("succeeded", "failed"))),
        left_out=_MADE | {"position", "chunks", "actor", "sequence"},
    ),
    "credit_lot": Resource(
        ResourceType.STORE_CREDIT,
        "credit_id",
        {
            **_same("customer_id", "currency", "reason", "reference", "expires_on"),
            **_same("issued", "used", "expired", "voided", show=money),
        },
        left_out=frozenset({"issued_at", "updated_at", "expires_at", "entries", "version"}),
    ),
    "coupon": Resource(
        ResourceType.COUPON,
        "coupon_id",
        {
            **_same("code", "type", "percent", "currency", "max_redemptions", "first_time_transaction", "active"),
            **_same("duration", "duration_in_months"),
            **_same("starts_at", "expires_at", show=instant),
            **_same("amount", show=money),
            "per_customer_limit": Field("per_customer"),
            "minimum_amount": Field("min_order", money),
            "product_ids": Field("product_ids", document),
        },
        rules=(created, changed("version", "updated")),  # orders tell of its uses
        left_out=_MADE | {"redeemed"},
    ),
    "automatic_discount": Resource(
        ResourceType.AUTOMATIC_DISCOUNT,
        "discount_id",
        {
            **_same("name", "buy_quantity", "get_quantity", "start_date", "end_date", "active"),
            **_same("customer_tags", "product_categories", show=document),
        },
        left_out=_MADE | {"starts_at", "ends_at"},
    ),
    "payment": Resource(
        ResourceType.PAYMENT,
        "intent_id",
        {
            **_same("customer_id", "status", "currency", "capture_method", "payment_method"),
            **_same("amount", "received", "refunded", show=money),
            "metadata": Field("metadata", masked),
        },
        details=("order_id",),
        left_out=_MADE,
    ),
    "dispute": Resource(
        ResourceType.DISPUTE,
        "dispute_id",
        {
            **_same("payment_id", "customer_id", "status", "reason", "currency"),
            **_same("amount", "withdrawn", "reinstated", "lost", show=money),
            "evidence_due_by": Field("due_by", instant),
            "evidence_submissions": Field("submissions"),
        },
        details=("order_id",),
        left_out=_MADE | {"past_due", "movements", "attempts"},
    ),
    "api_key": Resource(
        ResourceType.API_KEY,
        "key_id",
        {
            **_same("name", "mode", "role", "created_by", "hourly_limit"),
            **_same("expires_at", "rotated_at", "previous_valid_until", "revoked_at", show=instant),
            "scopes": Field("scopes", document),
        },
        rules=(created, changed("revoked_at", "revoked"), changed("rotated_at", "rotated"), updated),
        left_out=frozenset({"tenant_id", "secret_hash", "previous_hash", "last_four", "created_at", "version"}),
    ),
    "tenant": Resource(
        ResourceType.TENANT,
        "tenant_id",
        {
            **_same("name", "currency", "timezone", "country", "payment_window_minutes", "status"),
            **_same("plan", "hourly_limit", "daily_limit", "customers_may_cancel", "allows_partial_allocation"),
            **_same("warehouses", "allowed_networks", "checkout", "returns", "documents", show=document),
        },
        left_out=frozenset({"created_at", "version"}),
    ),
    "member": Resource(
        ResourceType.MEMBER,
        "subject",
        {**_same("role"), "scopes": Field("scopes", document)},
        left_out=frozenset({"tenant_id", "added_at"}),
    ),
    "oauth_client": Resource(
        ResourceType.OAUTH_CLIENT,
        "client_id",
        {
            **_same("mode"),
            **_same("scopes", "redirect_uris", show=document),
            "kind": Field("client_kind"),
        },
        left_out=frozenset({"tenant_id", "registered_at", "version"}),
    ),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A field's value before and after; None where there was, or is, none."""

    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one resource. ``position`` orders the entries of one instant."""

    log_id: str
    tenant: Tenant
    at: datetime
    position: str
    actor: str
    type: ResourceType
    verb: str
    resource_id: str
    changes: Mapping[str, Change]
    expires_at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    agent: str | None = None
    request_id: str | None = None

    @property
    def action(self) -> str:
        """``product.updated``."""
        return f"{self.type}.{self.verb}"


def changes_between(resource: Resource, before: Image, after: Image) -> dict[str, Change]:
    """What differs, by the names of the wire. An empty text, list or object is no value."""
    currency = str(after.get("currency", ""))
    found = {}
    for name, each in resource.fields.items():
        old, new = (image.get(each.attribute) for image in (before, after))
        if old != new:
            shown = [_shown(each, value, currency) for value in (old, new)]
            if shown != [None, None]:
                found[name] = Change(*shown)
    return found


def verb_of(resource: Resource, before: Image, after: Image) -> str | None:
    """What the change is called, or None where it is not told of."""
    return next((verb for rule in resource.rules if (verb := rule(before, after)) is not None), None)


def expiry(at: datetime, plan: str) -> datetime:
    """Until when an entry is kept. A tenant without a plan has the least one."""
    return at + RETENTION.get(plan, RETENTION["free"])


def shown_address(actor: str, address: str) -> str | None:
    """Where a request came from: of the merchant's own people and keys whole, of customers only the network.

    The address of a consumer is personal data, and the log outlives it (contract X-42).
    """
    if not address:
        return None
    if principal_role(actor) not in (Role.CUSTOMER, Role.PUBLIC):
        return address
    try:
        bits = 48 if isinstance(ip_address(address), IPv6Address) else 24
    except ValueError:
        return None
    return str(ip_network(f"{address}/{bits}", strict=False).network_address)


def principal_role(actor: str) -> str:
    return actor.partition(":")[0]


def principal_id(actor: str) -> str:
    """``key_1`` of ``api_key:key_1``, and of ``key_1``."""
    return actor.rpartition(":")[2]


def _shown(field_: Field, value: Any, currency: str) -> Any:
    if value is None or value in ("", "[]", "{}", "null"):
        return None
    shown = field_.show(value, currency)
    return None if shown in ("", [], {}) else _short(shown)


def _short(value: Any) -> Any:
    length = len(value) if isinstance(value, str) else len(wire_json.dumps(value))
    return value if length <= MAX_SHOWN else f"[{length} characters]"
