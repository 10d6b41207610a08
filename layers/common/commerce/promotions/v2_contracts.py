"""Coupons and automatic discounts on the wire of v2 (contract PR-01…04, X-13). Amounts are integer minor units."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from commerce.http.contracts import Changes, Input, Instant, Line, Output
from commerce.http.dates import Day
from commerce.kernel.errors import Invalid
from commerce.kernel.money import MAX_MINOR, Money
from commerce.promotions.contracts import (
    Code,
    ExpiresAt,
    Flag,
    Months,
    Number,
    ProductIds,
    StartsAt,
    SubscriptionDuration,
    Uses,
)
from commerce.promotions.model import AutomaticDiscount, Coupon, CouponKind, Duration
from commerce.promotions.use_cases import CreateCoupon, CreateDiscount

MAX_UNITS = 1000
MAX_WORDS = 16

Amount = Annotated[
    Number, Field(description="Per cent, or the amount in minor units; free shipping has none", examples=[20])
]
PercentOrMinor = Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [20]})]


class RestrictionsIn(Input):
    """``minimum_amount`` is in minor units."""

    minimum_amount: Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR, examples=[5000])] | None = None
    first_time_transaction: Flag = False
    product_ids: ProductIds = []
    per_customer_limit: Uses | None = None


class V2CouponIn(Input):
    """``amount`` is per cent or minor units, by its type; free shipping has none."""

    code: Code
    type: CouponKind
    amount: Amount | None = None
    duration: SubscriptionDuration | None = None
    duration_in_months: Months | None = None
    max_redemptions: Uses | None = None
    restrictions: RestrictionsIn = RestrictionsIn()
    starts_at: StartsAt | None = None
    expires_at: ExpiresAt | None = None

    def to_command(self, currency: str) -> CreateCoupon:
        """Raise Invalid for a fraction of a minor unit."""
        of_price = self.type is not CouponKind.PERCENTAGE and self.amount is not None
        if of_price and self.amount != int(self.amount or 0):
            raise Invalid(
                "An amount is a whole number of minor units", field="amount", reason="too_many_decimal_places"
            )
        least = self.restrictions.minimum_amount
        return CreateCoupon(
            code=self.code,
            kind=self.type,
            percent=None if of_price else self.amount,
            amount=Money(int(self.amount or 0), currency) if of_price else None,
            max_redemptions=self.max_redemptions,
            per_customer=self.restrictions.per_customer_limit,
            min_order=None if least is None else Money(least, currency),
            starts_at=self.starts_at,
            expires_at=self.expires_at,
            first_time_transaction=self.restrictions.first_time_transaction,
            product_ids=tuple(dict.fromkeys(self.restrictions.product_ids)),
            duration=self.duration,
            duration_in_months=self.duration_in_months,
        )


class RestrictionsOut(Output):
    minimum_amount: int | None
    first_time_transaction: bool
    product_ids: list[str]
    per_customer_limit: int | None


class V2CouponOut(Output):
    """``times_redeemed`` are the orders that use it; one that is called off gives its use back."""

    id: str
    code: str
    type: CouponKind
    amount: PercentOrMinor | None
    currency: str
    duration: Duration | None
    duration_in_months: int | None
    max_redemptions: int | None
    times_redeemed: int
    restrictions: RestrictionsOut
    starts_at: Instant | None
    expires_at: Instant | None
    active: bool
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, coupon: Coupon, currency: str) -> "V2CouponOut":
        least = coupon.min_order
        return cls(
            id=coupon.coupon_id,
            code=coupon.code,
            type=coupon.kind,
            amount=coupon.percent if coupon.amount is None else Decimal(coupon.amount.minor),
            currency=currency,
            duration=coupon.duration,
            duration_in_months=coupon.duration_in_months,
            max_redemptions=coupon.max_redemptions,
            times_redeemed=coupon.redeemed,
            restrictions=RestrictionsOut(
                minimum_amount=None if least is None else least.minor,
                first_time_transaction=coupon.first_time_transaction,
                product_ids=list(coupon.product_ids),
                per_customer_limit=coupon.per_customer,
            ),
            starts_at=coupon.starts_at,
            expires_at=coupon.expires_at,
            active=coupon.active,
            version=coupon.version,
            created_at=coupon.created_at,
            updated_at=coupon.updated_at,
        )


# Automatic discounts

Units = Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS)]
Words = Annotated[list[Annotated[Line, Field(max_length=64)]], Field(max_length=MAX_WORDS)]
Name = Annotated[Line, Field(examples=["Buy 2 Get 1 Free"])]
Kind = Literal["buy_x_get_y"]
StartDate = Annotated[Day, Field(description="The first day of the shop on which it counts", examples=["2026-02-01"])]
EndDate = Annotated[Day, Field(description="The last day of the shop on which it counts", examples=["2026-03-31"])]


class ConditionsIn(Input):
    """Of each ``buy_quantity`` + ``get_quantity`` units, the ``get_quantity`` cheapest are free.

    A customer needs all of the tags, a product one of the categories; none of either is everybody and everything.
    """

    buy_quantity: Annotated[Units, Field(examples=[2])]
    get_quantity: Annotated[Units, Field(examples=[1])]
    customer_tags: Annotated[Words, Field(examples=[["vip"]])] = []
    product_categories: Annotated[Words, Field(examples=[["electronics"]])] = []

    def terms(self) -> dict[str, Any]:
        return {
            "buy_quantity": self.buy_quantity,
            "get_quantity": self.get_quantity,
            "customer_tags": tuple(dict.fromkeys(self.customer_tags)),
            "product_categories": tuple(dict.fromkeys(self.product_categories)),
        }


class DiscountIn(Input):
    name: Name
    type: Kind
    conditions: ConditionsIn
    start_date: StartDate | None = None
    end_date: EndDate | None = None

    def to_command(self) -> CreateDiscount:
        return CreateDiscount(
            name=self.name, **self.conditions.terms(), start_date=self.start_date, end_date=self.end_date
        )


class DiscountChangesIn(Changes):
    """What is left out stays as it is; ``conditions`` are replaced as a whole, null takes a date away."""

    name: Name | None = None
    type: Kind | None = None
    conditions: ConditionsIn | None = None
    start_date: StartDate | None = None
    end_date: EndDate | None = None
    active: Flag | None = None

    def to_changes(self) -> dict[str, Any]:
        days = {name: value for name, value in self.sent.items() if name in ("start_date", "end_date")}
        kept = {"name": self.name, "active": self.active}
        terms = self.conditions.terms() if self.conditions is not None else {}
        return days | terms | {name: value for name, value in kept.items() if value is not None}


class ConditionsOut(Output):
    buy_quantity: int
    get_quantity: int
    customer_tags: list[str]
    product_categories: list[str]


class DiscountOut(Output):
    id: str
    name: str
    type: Kind
    conditions: ConditionsOut
    start_date: Annotated[str | None, Field(json_schema_extra={"format": "date"})]
    end_date: Annotated[str | None, Field(json_schema_extra={"format": "date"})]
    active: bool
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, discount: AutomaticDiscount) -> "DiscountOut":
        return cls(
            id=discount.discount_id,
            name=discount.name,
            type="buy_x_get_y",
            conditions=ConditionsOut(
                buy_quantity=discount.buy_quantity,
                get_quantity=discount.get_quantity,
                customer_tags=list(discount.customer_tags),
                product_categories=list(discount.product_categories),
            ),
            start_date=None if discount.start_date is None else discount.start_date.isoformat(),
            end_date=None if discount.end_date is None else discount.end_date.isoformat(),
            active=discount.active,
            version=discount.version,
            created_at=discount.created_at,
            updated_at=discount.updated_at,
        )
