"""What a shop does with its coupons and automatic discounts (contract CP-01…04, PR-01…04)."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import NotFound, require_version
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import end_of, start_of
from commerce.promotions import store
from commerce.promotions.model import AutomaticDiscount, Coupon, CouponKind, Duration, id_of
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class CreateCoupon:
    """A day as ``starts_at`` is its first instant in the shop, as ``expires_at`` its last one (contract X-30)."""

    code: str
    kind: CouponKind
    percent: Decimal | None = None
    amount: Money | None = None
    max_redemptions: int | None = None
    per_customer: int | None = None
    min_order: Money | None = None
    starts_at: date | datetime | None = None
    expires_at: date | datetime | None = None
    first_time_transaction: bool = False
    product_ids: tuple[str, ...] = ()
    duration: Duration | None = None
    duration_in_months: int | None = None
    active: bool = True


def create(tx: Transaction, caller: Caller, command: CreateCoupon) -> Coupon:
    """Add a coupon (contract CP-02, PR-01).

    Raises:
        Invalid: its terms contradict each other.
        Conflict: there is a coupon with this code, whatever its case.
    """
    now = clock.now()
    terms = {each.name: getattr(command, each.name) for each in fields(command)}
    coupon = Coupon(
        coupon_id=id_of(command.code), created_at=now, updated_at=now, **_with_instants(caller.tenant, terms)
    )
    store.add(tx, caller.tenant, coupon)
    return coupon


def get(tenant: Tenant, coupon_id: str) -> Coupon:
    """One coupon.

    Raises:
        NotFound: no such coupon.
    """
    coupon = store.find(tenant, coupon_id)
    if coupon is None:
        raise NotFound("coupon")
    return coupon


def find(tenant: Tenant, request: PageRequest) -> Page[Coupon]:
    """A page of coupons, the newest first (contract CP-01, PR-03)."""
    return store.page_of(tenant, request)


def change(
    tx: Transaction, caller: Caller, coupon_id: str, changes: dict[str, Any], expected_version: int | None = None
) -> Coupon:
    """Change a coupon's terms (contract CP-04). Orders keep what they were given. What is so already is not written.

    Args:
        changes: new values of a coupon's attributes, by name, days as ``CreateCoupon`` takes them. ``value`` is what it
            takes off: per cent, or major units.

    Raises:
        NotFound: no such coupon.
        VersionMismatch: it is not at ``expected_version``.
        Invalid: its terms would contradict each other.
    """
    coupon = get(caller.tenant, coupon_id)
    require_version(coupon.version, expected_version, "coupon")
    terms = _with_instants(caller.tenant, changes)
    if "value" in terms:
        terms |= worth(coupon.kind, terms.pop("value"), caller.tenant.currency)
    changed = replace(coupon, **terms)
    if changed == coupon:
        return coupon
    saved = replace(changed, updated_at=clock.now(), version=coupon.version + 1)
    store.save(tx, caller.tenant, saved)
    return saved


def deactivate(tx: Transaction, caller: Caller, coupon_id: str, expected_version: int | None = None) -> Coupon:
    """Let nobody use a coupon any more; it stays readable, and can be activated again (contract CP-04).

    Raises:
        NotFound: no such coupon. VersionMismatch: it is not at ``expected_version``.
    """
    return change(tx, caller, coupon_id, {"active": False}, expected_version)


def worth(kind: CouponKind, value: Decimal | None, currency: str) -> dict[str, Decimal | Money | None]:
    """What a coupon takes off, by its kind: per cent, or an amount of which major units were given.

    Raises:
        Invalid: there is no such percentage, or no such amount.
    """
    amount = None if value is None or kind is CouponKind.PERCENTAGE else Money.of_major(value, currency)
    return {"percent": value if kind is CouponKind.PERCENTAGE else None, "amount": amount}


def _with_instants(tenant: Tenant, terms: dict[str, Any]) -> dict[str, Any]:
    """The terms, their days as the instants that they mean in the shop."""
    shown = dict(terms)
    for name, meant in (("starts_at", start_of), ("expires_at", end_of)):
        given = terms.get(name)
        if isinstance(given, date) and not isinstance(given, datetime):
            shown[name] = meant(given, tenant.timezone)
    return shown


@dataclass(frozen=True, slots=True)
class CreateDiscount:
    """The days are the shop's, the last one included."""

    name: str
    buy_quantity: int
    get_quantity: int
    customer_tags: tuple[str, ...] = ()
    product_categories: tuple[str, ...] = ()
    start_date: date | None = None
    end_date: date | None = None


def create_discount(tx: Transaction, caller: Caller, command: CreateDiscount) -> AutomaticDiscount:
    """Add an automatic discount (contract PR-02).

    Raises:
        Invalid: it ends before it starts.
        Conflict: as many are live as can be.
    """
    now, discount_id = clock.now(), ids.new("disc")
    terms = {each.name: getattr(command, each.name) for each in fields(command)}
    discount = _dated(caller.tenant, AutomaticDiscount(discount_id, **terms, created_at=now, updated_at=now))
    store.save_discount(tx, caller.tenant, store.find_discount(caller.tenant, discount_id), discount)
    return discount


def get_discount(tenant: Tenant, discount_id: str) -> AutomaticDiscount:
    """One automatic discount.

    Raises:
        NotFound: no such discount.
    """
    return _required(store.find_discount(tenant, discount_id))


def find_discounts(tenant: Tenant, request: PageRequest) -> Page[AutomaticDiscount]:
    """A page of automatic discounts, the newest first (contract PR-04)."""
    return store.page_of_discounts(tenant, request)


def change_discount(
    tx: Transaction, caller: Caller, discount_id: str, changes: dict[str, Any], expected_version: int | None = None
) -> AutomaticDiscount:
    """Change an automatic discount (contract PR-04). Orders keep what they were given.

    Raises:
        NotFound: no such discount.
        VersionMismatch: it is not at ``expected_version``.
        Invalid: it would end before it starts.
        Conflict: as many are live as can be.
    """
    found = store.find_discount(caller.tenant, discount_id)
    discount = _required(found)
    require_version(discount.version, expected_version, "discount")
    changed = _dated(caller.tenant, replace(discount, **changes))
    if changed == discount:
        return discount
    saved = replace(changed, updated_at=clock.now(), version=discount.version + 1)
    store.save_discount(tx, caller.tenant, found, saved)
    return saved


def end_discount(
    tx: Transaction, caller: Caller, discount_id: str, expected_version: int | None = None
) -> AutomaticDiscount:
    """Let an automatic discount count no more; it stays readable (contract PR-04).

    Raises:
        NotFound: no such discount. VersionMismatch: it is not at ``expected_version``.
    """
    return change_discount(tx, caller, discount_id, {"active": False}, expected_version)


def _required(found: store.Found) -> AutomaticDiscount:
    if found.discount is None:
        raise NotFound("discount")
    return found.discount


def _dated(tenant: Tenant, discount: AutomaticDiscount) -> AutomaticDiscount:
    """The same discount with the instants that its days mean in the shop."""
    start, end = discount.start_date, discount.end_date
    return replace(
        discount,
        starts_at=None if start is None else start_of(start, tenant.timezone),
        ends_at=None if end is None else end_of(end, tenant.timezone),
    )
