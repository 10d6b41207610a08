"""What is taken off a cart or an order, on the wire of the portal, ``/admin`` and v2."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Major, Output
from commerce.orders.model import AppliedDiscount, DiscountKind

MAX_CODE = 64  # characters of a code as somebody types it

TypedCode = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_CODE, examples=["SPRING25"])]


class AppliedDiscountOut(Output):
    """A coupon, or an automatic discount: ``amount`` is what it takes off the items, besides what it takes off
    ``shipping``."""

    type: DiscountKind
    id: str
    code: str | None
    name: str
    amount: Major
    shipping: Major

    @classmethod
    def of(cls, discount: AppliedDiscount) -> "AppliedDiscountOut":
        return cls(
            type=discount.kind,
            id=discount.discount_id,
            code=discount.code,
            name=discount.name,
            amount=discount.amount.major,
            shipping=discount.shipping.major,
        )
