"""Coupons on the wire of ``/admin`` (contract CP-01…04). Amounts are decimal major units."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Changes, Id, Input, Instant, Major, Output, Quantity
from commerce.http.dates import Moment
from commerce.kernel.limits import MAX_LINES
from commerce.kernel.money import MAX_MINOR
from commerce.promotions.applied_contracts import TypedCode
from commerce.promotions.model import Coupon, CouponKind, Duration, Refusal
from commerce.promotions.use_cases import CreateCoupon, worth
from commerce.promotions.validating import BoughtItem, ValidateCoupon, Validated

MAX_USES = 10**9
MAX_PRODUCTS = 100
MAX_MONTHS = 120

Code = Annotated[
    str,
    Field(
        strict=True,
        min_length=1,
        max_length=40,
        pattern=r"^[A-Za-z0-9\-]+$",
        description="Letters, digits and dashes; unique in the shop, whatever its case",
        examples=["SPRING25"],
    ),
]


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= MAX_MINOR:
        raise PydanticCustomError("number", "Must be a number, not below zero")
    return Decimal(value)


Number = Annotated[
    Decimal, PlainValidator(_number), WithJsonSchema({"type": "number", "minimum": 0, "maximum": MAX_MINOR})
]
Value = Annotated[
    Number, Field(description="Per cent, or the amount in major units; free shipping has none", examples=[25])
]
Uses = Annotated[int, Field(strict=True, ge=1, le=MAX_USES, examples=[50])]
Months = Annotated[int, Field(strict=True, ge=1, le=MAX_MONTHS)]
ProductIds = Annotated[
    list[Id], Field(max_length=MAX_PRODUCTS, description="The products that it is for; all of them when empty")
]
StartsAt = Annotated[Moment, Field(description="From when on; a date is that day's beginning in the shop")]
ExpiresAt = Annotated[Moment, Field(description="Until when; a date is good through its end in the shop")]
Flag = Annotated[bool, Field(strict=True)]
SubscriptionDuration = Annotated[Duration, Field(description="For how long it counts on a subscription")]


class CouponIn(Input):
    """``discount_value`` is per cent or major units, by its type; free shipping has none."""

    code: Code
    discount_type: CouponKind
    discount_value: Value | None = None
    max_uses: Uses | None = None
    per_customer_limit: Uses | None = None
    min_order_amount: Annotated[AmountIn, Field(examples=[100])] | None = None
    starts_at: StartsAt | None = None
    expires_at: ExpiresAt | None = None
    first_time_transaction: Flag = False
    product_ids: ProductIds = []
    duration: SubscriptionDuration | None = None
    duration_in_months: Months | None = None
    active: Flag = True

    def to_command(self, currency: str) -> CreateCoupon:
        least = self.min_order_amount
        return CreateCoupon(
            code=self.code,
            kind=self.discount_type,
            **worth(self.discount_type, self.discount_value, currency),  # type: ignore[arg-type]
            max_redemptions=self.max_uses,
            per_customer=self.per_customer_limit,
            min_order=None if least is None else money(least, currency, field="min_order_amount"),
            starts_at=self.starts_at,
            expires_at=self.expires_at,
            first_time_transaction=self.first_time_transaction,
            product_ids=tuple(dict.fromkeys(self.product_ids)),
            duration=self.duration,
            duration_in_months=self.duration_in_months,
            active=self.active,
        )


_ATTRIBUTES = {"discount_value": "value", "max_uses": "max_redemptions", "per_customer_limit": "per_customer"}


class CouponChangesIn(Changes):
    """What is left out stays as it is; null takes a limit away. A coupon keeps its code and its type."""

    discount_value: Value | None = None
    max_uses: Uses | None = None
    per_customer_limit: Uses | None = None
    min_order_amount: Annotated[AmountIn, Field(examples=[100])] | None = None
    starts_at: StartsAt | None = None
    expires_at: ExpiresAt | None = None
    first_time_transaction: Flag = False
    product_ids: ProductIds = []
    duration: SubscriptionDuration | None = None
    duration_in_months: Months | None = None
    active: Flag = True

    def to_changes(self, currency: str) -> dict[str, Any]:
        changes = {_ATTRIBUTES.get(name, name): value for name, value in self.sent.items()}
        if "min_order_amount" in changes:
            least = changes.pop("min_order_amount")
            changes["min_order"] = None if least is None else money(least, currency, field="min_order_amount")
        if "product_ids" in changes:
            changes["product_ids"] = tuple(dict.fromkeys(self.product_ids))
        return changes


class CouponOut(Output):
    """``usage_count`` are the orders that use it; one that is called off gives its use back."""

    id: str
    code: str
    discount_type: CouponKind
    discount_value: Major | None
    usage_count: int
    max_uses: int | None
    expires_at: Instant | None
    per_customer_limit: int | None
    min_order_amount: Major | None
    starts_at: Instant | None
    first_time_transaction: bool
    product_ids: list[str]
    duration: Duration | None
    duration_in_months: int | None
    active: bool
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, coupon: Coupon) -> "CouponOut":
        return cls(
            id=coupon.coupon_id,
            code=coupon.code,
            discount_type=coupon.kind,
            discount_value=coupon.percent if coupon.amount is None else coupon.amount.major,
            usage_count=coupon.redeemed,
            max_uses=coupon.max_redemptions,
            expires_at=coupon.expires_at,
            per_customer_limit=coupon.per_customer,
            min_order_amount=None if coupon.min_order is None else coupon.min_order.major,
            starts_at=coupon.starts_at,
            first_time_transaction=coupon.first_time_transaction,
            product_ids=list(coupon.product_ids),
            duration=coupon.duration,
            duration_in_months=coupon.duration_in_months,
            active=coupon.active,
            version=coupon.version,
            created_at=coupon.created_at,
            updated_at=coupon.updated_at,
        )


class BoughtItemIn(Input):
    product_id: Id
    variant_id: Annotated[Id, Field(description="Needed where the product has several variants")] | None = None
    quantity: Quantity


class ValidateCouponIn(Input):
    """Without ``items`` and ``customer_id`` the terms that ask for them are taken as met, and named."""

    code: TypedCode
    order_total: Annotated[AmountIn, Field(examples=[150])]
    customer_id: Id | None = None
    items: Annotated[list[BoughtItemIn], Field(max_length=MAX_LINES)] = []

    def to_command(self, currency: str) -> ValidateCoupon:
        return ValidateCoupon(
            code=self.code,
            order_total=money(self.order_total, currency, field="order_total"),
            customer_id=self.customer_id,
            items=tuple(BoughtItem(each.product_id, each.variant_id, each.quantity) for each in self.items),
        )


class ValidatedOut(Output):
    """``conditional`` names the terms that could not be judged; ``reason`` says why a coupon is not valid."""

    valid: bool
    code: str
    discount_type: CouponKind | None
    discount_amount: Major
    new_total: Major
    reason: Refusal | None
    conditional: list[str]

    @classmethod
    def of(cls, validated: Validated) -> "ValidatedOut":
        return cls(
            valid=validated.reason is None,
            code=validated.code,
            discount_type=None if validated.coupon is None else validated.coupon.kind,
            discount_amount=validated.discount.major,
            new_total=validated.new_total.major,
            reason=validated.reason,
            conditional=list(validated.conditional),
        )
