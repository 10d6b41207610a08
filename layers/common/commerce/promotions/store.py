"""Coupons, their uses, and automatic discounts in the table (patterns Z1–Z6).

A coupon's row holds its terms and how many orders use it. Placing an order counts its use there, in the customer's row
and by a row of its own, under the terms that the order was priced by; calling it off takes all three back. Purchases
read automatic discounts from one row with copies of those that have not ended.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from commerce.customers.model import Customer, OrdersSummary
from commerce.customers.store import CustomerRow, CustomerSummaryRow
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.clock import parse, sortable
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.promotions.model import (
    MAX_LIVE_DISCOUNTS,
    AutomaticDiscount,
    Coupon,
    CouponKind,
    Duration,
    WantedCoupon,
    id_of,
)
from commerce.table import keys
from commerce.table.keys import Key
from commerce.table.reading import get, get_all, page
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction


class CouponRow(Row, discriminator="coupon"):
    audited: ClassVar[str] = "coupon"

    coupon_id = UnicodeAttribute()
    code = UnicodeAttribute()
    type = UnicodeAttribute()
    percent = UnicodeAttribute(null=True)
    currency = UnicodeAttribute()
    amount = NumberAttribute(null=True)  # minor units, as all amounts
    max_redemptions = NumberAttribute(null=True)
    per_customer = NumberAttribute(null=True)
    min_order = NumberAttribute(null=True)
    starts_at = InstantAttribute(null=True)
    expires_at = InstantAttribute(null=True)
    first_time_transaction = BooleanAttribute()
    product_ids = WordsAttribute()
    duration = UnicodeAttribute(null=True)
    duration_in_months = NumberAttribute(null=True)
    active = BooleanAttribute()
    redeemed = NumberAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_coupon(self) -> Coupon:
        def amount(minor: float | None) -> Money | None:
            return None if minor is None else Money(int(minor), self.currency)

        def count(number: float | None) -> int | None:
            return None if number is None else int(number)

        return Coupon(
            coupon_id=self.coupon_id,
            code=self.code,
            kind=CouponKind(self.type),
            percent=None if self.percent is None else Decimal(self.percent),
            amount=amount(self.amount),
            max_redemptions=count(self.max_redemptions),
            per_customer=count(self.per_customer),
            min_order=amount(self.min_order),
            starts_at=self.starts_at,
            expires_at=self.expires_at,
            first_time_transaction=self.first_time_transaction,
            product_ids=tuple(self.product_ids),
            duration=None if self.duration is None else Duration(self.duration),
            duration_in_months=count(self.duration_in_months),
            active=self.active,
            redeemed=int(self.redeemed),
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=int(self.version),
        )


class CouponUseRow(Row, discriminator="coupon_use"):
    """An order that uses a coupon; it goes when the order is called off."""

    order_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    at = InstantAttribute()


class CouponCustomerRow(Row, discriminator="coupon_customer"):
    """How many orders of a customer use a coupon; absent until the first one."""

    uses = NumberAttribute()


class AutomaticDiscountRow(Row, discriminator="automatic_discount"):
    audited: ClassVar[str] = "automatic_discount"

    discount_id = UnicodeAttribute()
    name = UnicodeAttribute()
    buy_quantity = NumberAttribute()
    get_quantity = NumberAttribute()
    customer_tags = WordsAttribute()
    product_categories = WordsAttribute()
    start_date = UnicodeAttribute(null=True)
    end_date = UnicodeAttribute(null=True)
    starts_at = InstantAttribute(null=True)
    ends_at = InstantAttribute(null=True)
    active = BooleanAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_discount(self) -> AutomaticDiscount:
        return AutomaticDiscount(
            discount_id=self.discount_id,
            name=self.name,
            buy_quantity=int(self.buy_quantity),
            get_quantity=int(self.get_quantity),
            customer_tags=tuple(self.customer_tags),
            product_categories=tuple(self.product_categories),
            start_date=None if self.start_date is None else date.fromisoformat(self.start_date),
            end_date=None if self.end_date is None else date.fromisoformat(self.end_date),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            active=self.active,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=int(self.version),
        )


class LiveDiscountsRow(Row, discriminator="live_discounts"):
    """Copies of the automatic discounts that are, or will be, live."""

    discounts = DocumentAttribute()
    version = NumberAttribute()

    def to_discounts(self) -> tuple[AutomaticDiscount, ...]:
        return tuple(_discount(document) for document in self.discounts)


@dataclass(frozen=True, slots=True)
class Offers:
    """What may take something off a customer's purchase, as it is stored now: automatic discounts, and the coupons that
    were named, with how many of the customer's orders use each (by its id)."""

    automatic: tuple[AutomaticDiscount, ...] = ()
    coupons: tuple[WantedCoupon, ...] = ()
    uses: Mapping[str, int] = field(default_factory=dict)
    orders: OrdersSummary | None = None

    @property
    def orders_before(self) -> int:
        """All orders that the customer ever placed."""
        return self.orders.count if self.orders is not None else 0

    @property
    def standing_orders(self) -> int:
        """The customer's orders that were not called off."""
        return self.orders.standing if self.orders is not None else 0

    @property
    def ask_for_tags(self) -> bool:
        """Whether the customer's tags matter."""
        return any(each.customer_tags for each in self.automatic)


def keys_of_offers(tenant: Tenant, customer_id: str, codes: Iterable[str]) -> list[Key]:
    """The rows that ``offers_in`` reads (Z2)."""
    wanted = [keys.live_discounts(tenant)]
    for coupon_id in map(id_of, codes):
        wanted += [keys.coupon(tenant, coupon_id), keys.coupon_of_customer(tenant, coupon_id, customer_id)]
    return [*wanted, keys.customer_summary(tenant, customer_id)] if len(wanted) > 1 else wanted


def offers_in(rows: Mapping[Key, Row], tenant: Tenant, customer_id: str, codes: Iterable[str]) -> Offers:
    """What those rows say (Z2)."""
    live = rows.get(keys.live_discounts(tenant))
    summary = rows.get(keys.customer_summary(tenant, customer_id))
    coupons, uses = list[WantedCoupon](), dict[str, int]()
    for code in codes:
        row = rows.get(keys.coupon(tenant, id_of(code)))
        coupons.append(WantedCoupon(code, row.to_coupon() if isinstance(row, CouponRow) else None))
        used = rows.get(keys.coupon_of_customer(tenant, id_of(code), customer_id))
        uses[id_of(code)] = int(used.uses) if isinstance(used, CouponCustomerRow) else 0
    return Offers(
        automatic=live.to_discounts() if isinstance(live, LiveDiscountsRow) else (),
        coupons=tuple(coupons),
        uses=uses,
        orders=summary.to_summary(tenant.currency) if isinstance(summary, CustomerSummaryRow) else None,
    )


def offers(tenant: Tenant, customer_id: str, codes: Sequence[str]) -> Offers:
    """What may take something off a customer's purchase (Z2)."""
    return offers_in(get_all(keys_of_offers(tenant, customer_id, codes)), tenant, customer_id, codes)


def customer_with_offers(tenant: Tenant, customer_id: str, codes: Sequence[str]) -> tuple[Customer | None, Offers]:
    """A customer, and what may take something off their purchase, in one read (C1, Z2)."""
    key = keys.customer(tenant, customer_id)
    rows = get_all([key, *keys_of_offers(tenant, customer_id, codes)])
    row = rows.get(key)
    return row.to_customer() if isinstance(row, CustomerRow) else None, offers_in(rows, tenant, customer_id, codes)


def add(tx: Transaction, tenant: Tenant, coupon: Coupon) -> None:
    """Write a new coupon (Z1).

    Raises (at commit):
        Conflict: there is a coupon with this code, whatever its case.
    """
    taken = Conflict("A coupon with this code exists", field="code", reason="duplicate_code")
    tx.add(CouponRow(*keys.coupon(tenant, coupon.coupon_id), **_attributes(tenant, coupon)), taken)


def save(tx: Transaction, tenant: Tenant, coupon: Coupon) -> None:
    """Write a coupon's terms one version on; how often it was used stays as it is (Z1).

    Raises (at commit):
        StaleWrite: somebody else changed its terms since it was read.
    """
    row = CouponRow(*keys.coupon(tenant, coupon.coupon_id))
    actions = []
    for name, value in _attributes(tenant, coupon).items():
        if name != "redeemed":
            attribute = getattr(CouponRow, name)
            actions.append(attribute.remove() if value is None else attribute.set(value))
    tx.update(row, actions, CouponRow.version == coupon.version - 1, StaleWrite("coupon"))


def use(tx: Transaction, tenant: Tenant, coupon: Coupon, order_id: str, customer_id: str) -> None:
    """Count a use of a coupon under the terms that it was read with (Z3).

    Raises (at commit):
        StaleWrite: its terms changed, or it was used as often as it may be, since it was read.
    """
    as_read = CouponRow.version == coupon.version
    if coupon.max_redemptions is not None:
        as_read = as_read & (CouponRow.redeemed < coupon.max_redemptions)
    row = CouponRow(*keys.coupon(tenant, coupon.coupon_id))
    tx.update(row, [CouponRow.redeemed.add(1)], as_read, StaleWrite("coupon"))
    within = None
    if coupon.per_customer is not None:
        within = CouponCustomerRow.uses.does_not_exist() | (CouponCustomerRow.uses < coupon.per_customer)
    _count_of_customer(tx, tenant, coupon.coupon_id, customer_id, 1, within)
    key = keys.coupon_use(tenant, coupon.coupon_id, order_id)
    tx.add(CouponUseRow(*key, order_id=order_id, customer_id=customer_id, at=clock.now()))


def give_back(tx: Transaction, tenant: Tenant, coupon_id: str, order_id: str, customer_id: str) -> None:
    """Let others use a coupon that an order used (Z3).

    Raises (at commit):
        StaleWrite: the order does not use it any more.
    """
    use_row = CouponUseRow(*keys.coupon_use(tenant, coupon_id, order_id))
    tx.delete(use_row, CouponUseRow.pk.exists(), StaleWrite("coupon"))
    tx.update(CouponRow(*keys.coupon(tenant, coupon_id)), [CouponRow.redeemed.add(-1)], CouponRow.redeemed > 0)
    _count_of_customer(tx, tenant, coupon_id, customer_id, -1, CouponCustomerRow.uses > 0)


def _count_of_customer(
    tx: Transaction, tenant: Tenant, coupon_id: str, customer_id: str, more: int, within: Any
) -> None:
    row = CouponCustomerRow(*keys.coupon_of_customer(tenant, coupon_id, customer_id))
    actions = [CouponCustomerRow.uses.add(more), CouponCustomerRow.kind.set(CouponCustomerRow)]
    tx.update(row, actions, within, StaleWrite("coupon"))


def find(tenant: Tenant, coupon_id: str) -> Coupon | None:
    """One coupon (Z1)."""
    row = get(keys.coupon(tenant, coupon_id))
    return row.to_coupon() if isinstance(row, CouponRow) else None


def page_of(tenant: Tenant, request: PageRequest) -> Page[Coupon]:
    """A page of coupons, the newest first (Z4)."""
    return page(tenant, request, _coupon, pk=keys.all_coupons(tenant), index="gsi1", query_name="coupons")


@dataclass(frozen=True, slots=True)
class Found:
    """An automatic discount, and all those that are live; ``version`` is that of the row with these copies."""

    discount: AutomaticDiscount | None
    live: tuple[AutomaticDiscount, ...]
    version: int


def find_discount(tenant: Tenant, discount_id: str) -> Found:
    """An automatic discount and the live ones (Z5)."""
    key, live_key = keys.automatic_discount(tenant, discount_id), keys.live_discounts(tenant)
    rows = get_all([key, live_key])
    row, live = rows.get(key), rows.get(live_key)
    return Found(
        discount=row.to_discount() if isinstance(row, AutomaticDiscountRow) else None,
        live=live.to_discounts() if isinstance(live, LiveDiscountsRow) else (),
        version=int(live.version) if isinstance(live, LiveDiscountsRow) else 0,
    )


def save_discount(tx: Transaction, tenant: Tenant, found: Found, discount: AutomaticDiscount) -> None:
    """Write an automatic discount one version on, and the copies of those that have not ended (Z5).

    Raises:
        Conflict: as many are live as can be.
    Raises (at commit):
        StaleWrite: somebody else changed this one, or any other, since they were read.
    """
    now = clock.now()
    others = [each for each in found.live if each.discount_id != discount.discount_id and not each.has_ended(now)]
    live = others if discount.has_ended(now) else [*others, discount]
    if len(live) > MAX_LIVE_DISCOUNTS:
        raise Conflict(
            f"At most {MAX_LIVE_DISCOUNTS} automatic discounts are live or to come; end one first",
            reason="too_many_discounts",
        )
    row = AutomaticDiscountRow(*keys.automatic_discount(tenant, discount.discount_id), **_shown(discount))
    tx.put(row, _at(AutomaticDiscountRow, discount.version - 1), StaleWrite("discount"))
    copies = LiveDiscountsRow(
        *keys.live_discounts(tenant), discounts=[_document(each) for each in live], version=found.version + 1
    )
    tx.put(copies, _at(LiveDiscountsRow, found.version), StaleWrite("discount"))


def _at(row_class: type[AutomaticDiscountRow | LiveDiscountsRow], version: int) -> Any:
    """The condition that a row is at a version; 0 for one that does not exist."""
    return row_class.version == version if version else row_class.pk.does_not_exist()


def page_of_discounts(tenant: Tenant, request: PageRequest) -> Page[AutomaticDiscount]:
    """A page of automatic discounts, the newest first (Z6)."""
    return page(
        tenant,
        request,
        _discount_in,
        pk=keys.automatic_discounts(tenant),
        index=None,
        query_name="automatic_discounts",
        condition=Row.sk.startswith(keys.DISCOUNT_PREFIX),
    )


def _attributes(tenant: Tenant, coupon: Coupon) -> dict[str, Any]:
    return {
        "coupon_id": coupon.coupon_id,
        "code": coupon.code,
        "type": str(coupon.kind),
        "percent": None if coupon.percent is None else str(coupon.percent),
        "currency": tenant.currency,
        "amount": None if coupon.amount is None else coupon.amount.minor,
        "max_redemptions": coupon.max_redemptions,
        "per_customer": coupon.per_customer,
        "min_order": None if coupon.min_order is None else coupon.min_order.minor,
        "starts_at": coupon.starts_at,
        "expires_at": coupon.expires_at,
        "first_time_transaction": coupon.first_time_transaction,
        "product_ids": list(coupon.product_ids),
        "duration": None if coupon.duration is None else str(coupon.duration),
        "duration_in_months": coupon.duration_in_months,
        "active": coupon.active,
        "redeemed": coupon.redeemed,
        "created_at": coupon.created_at,
        "updated_at": coupon.updated_at,
        "version": coupon.version,
        "gsi1pk": keys.all_coupons(tenant),
        "gsi1sk": keys.by_time(coupon.created_at, coupon.coupon_id),
    }


def _shown(discount: AutomaticDiscount) -> dict[str, Any]:
    """An automatic discount's attributes."""
    days = {name: getattr(discount, name) for name in ("start_date", "end_date")}
    lists = {name: list(getattr(discount, name)) for name in ("customer_tags", "product_categories")}
    return asdict(discount) | lists | {name: day and day.isoformat() for name, day in days.items()}


_INSTANTS = ("starts_at", "ends_at", "created_at", "updated_at")


def _document(discount: AutomaticDiscount) -> dict[str, Any]:
    shown = _shown(discount)
    return shown | {name: sortable(shown[name]) if shown[name] else None for name in _INSTANTS}


def _discount(document: dict[str, Any]) -> AutomaticDiscount:
    days = {name: document[name] and date.fromisoformat(document[name]) for name in ("start_date", "end_date")}
    instants: dict[str, datetime | None] = {name: document[name] and parse(document[name]) for name in _INSTANTS}
    lists = {name: tuple(document[name]) for name in ("customer_tags", "product_categories")}
    return AutomaticDiscount(**(document | days | instants | lists))


def _coupon(row: Row) -> Coupon:
    assert isinstance(row, CouponRow)
    return row.to_coupon()


def _discount_in(row: Row) -> AutomaticDiscount:
    assert isinstance(row, AutomaticDiscountRow)
    return row.to_discount()
