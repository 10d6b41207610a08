"""The cart on the wire (contract CA-01…09)."""

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from commerce.carts.model import GiftCardItem
from commerce.carts.pricing import PayingCard, PricedCart, PricedItem
from commerce.carts.use_cases import AddGiftCard, AddItem
from commerce.gift_cards import serials
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Email, Id, Input, Line, Major, Output, Quantity, Text
from commerce.http.dates import DayOut
from commerce.promotions.applied_contracts import AppliedDiscountOut, TypedCode
from commerce.promotions.model import Refusal, RefusedCoupon


class CartItemOut(Output):
    """``problem`` says why the item cannot be bought now (``not_for_sale``), null if it can.

    ``waiting`` units of it are not there: they may be bought, and wait for stock, which is expected on
    ``expected_date`` where that is known.
    """

    id: str
    product_id: str
    variant_id: str
    name: str
    quantity: int
    unit_price: Major
    subtotal: Major
    discount: Annotated[Major, Field(description="What of the cart's discount is this item's")]
    problem: str | None
    waiting: int
    expected_date: DayOut | None

    @classmethod
    def of(cls, priced: PricedItem) -> "CartItemOut":
        return cls(
            id=priced.item.item_id,
            product_id=priced.item.product_id,
            variant_id=priced.item.variant_id,
            name=priced.name,
            quantity=priced.item.quantity,
            unit_price=priced.unit_price.major,
            subtotal=priced.subtotal.major,
            discount=priced.discount.major,
            problem=priced.problem,
            waiting=priced.waiting,
            expected_date=None if priced.expected_on is None else priced.expected_on.isoformat(),
        )


class GiftCardItemOut(Output):
    """A gift card that is to be bought: issued and mailed to its recipient when the order is paid."""

    id: str
    amount: Major
    recipient_email: str
    recipient_name: str | None
    sender_name: str | None
    message: str | None
    design: str | None

    @classmethod
    def of(cls, item: GiftCardItem) -> "GiftCardItemOut":
        return cls(
            id=item.item_id,
            amount=item.amount.major,
            recipient_email=item.recipient_email,
            recipient_name=item.recipient_name,
            sender_name=item.sender_name,
            message=item.message,
            design=item.design,
        )


class PayingCardOut(Output):
    """A gift card that pays ``amount`` of the cart; of its serial the last four characters are shown.

    ``problem`` says why it pays less than it did when it was applied (``released``, ``not_usable``), null if it does.
    """

    redemption_id: str
    serial: str
    amount: Major
    problem: str | None

    @classmethod
    def of(cls, card: PayingCard) -> "PayingCardOut":
        return cls(
            redemption_id=card.applied.redemption_id,
            serial=serials.masked(card.applied.serial),
            amount=card.amount.major,
            problem=card.problem,
        )


class RefusedCouponOut(Output):
    """A coupon of the cart that takes nothing off by now: remove it before the cart is checked out."""

    code: str
    problem: Refusal

    @classmethod
    def of(cls, refused: RefusedCoupon) -> "RefusedCouponOut":
        return cls(code=refused.code, problem=refused.reason)


class CartOut(Output):
    """Amounts are today's catalogue prices, computed each time the cart is read.

    ``discounts`` are those that count now, ``refused_coupons`` those that do not hold any more. ``shipping`` is what is
    left of it. ``total`` is what all of it costs. ``amount_due`` is what is left to pay with money after ``gift_cards``
    and ``store_credit``, which is null where none is to be used.
    """

    id: str
    items: list[CartItemOut]
    gift_card_items: list[GiftCardItemOut]
    subtotal: Major
    discount: Major
    discounts: list[AppliedDiscountOut]
    refused_coupons: list[RefusedCouponOut]
    shipping: Major
    total: Major
    gift_cards: list[PayingCardOut]
    store_credit: Major | None
    amount_due: Major
    currency: str
    version: int

    @classmethod
    def of(cls, priced: PricedCart) -> "CartOut":
        return cls(
            id=priced.cart.cart_id,
            items=[CartItemOut.of(item) for item in priced.items],
            gift_card_items=[GiftCardItemOut.of(item) for item in priced.cart.gift_card_items],
            subtotal=priced.subtotal.major,
            discount=priced.discount.major,
            discounts=[AppliedDiscountOut.of(each) for each in priced.discounted.discounts],
            refused_coupons=[RefusedCouponOut.of(each) for each in priced.discounted.refused],
            shipping=priced.shipping.major,
            total=priced.total.major,
            gift_cards=[PayingCardOut.of(card) for card in priced.gift_cards],
            store_credit=None if priced.available_credit is None else priced.store_credit.major,
            amount_due=priced.amount_due.major,
            currency=priced.currency,
            version=priced.cart.version,
        )


class CouponCodeIn(Input):
    code: TypedCode


class GiftCardToBuyIn(Input):
    """A gift card for somebody. It is paid for with money: neither gift cards nor store credit buy one."""

    amount: Annotated[AmountIn, Field(examples=[50])]
    recipient_email: Email
    recipient_name: Line | None = None
    sender_name: Annotated[Line, Field(description="Whom it is from; your own name when missing")] | None = None
    message: Annotated[Text, Field(max_length=1000)] | None = None
    design: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_\-]{1,64}$", examples=["birthday"])] | None = None

    def to_command(self, currency: str) -> AddGiftCard:
        return AddGiftCard(
            amount=money(self.amount, currency, field="gift_card.amount"),
            recipient_email=self.recipient_email,
            recipient_name=self.recipient_name,
            sender_name=self.sender_name,
            message=self.message,
            design=self.design,
        )


class AddItemIn(Input):
    """Units of a product, or with ``gift_card`` a gift card to buy."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": ["product_id", "quantity"],
                    "properties": {
                        "product_id": {"type": "string"},
                        "quantity": {"type": "integer"},
                        "gift_card": {"type": "null"},
                    },
                },
                {
                    "required": ["gift_card"],
                    "properties": {
                        "gift_card": {"type": "object"},
                        **{name: {"type": "null"} for name in ("product_id", "quantity", "variant_id")},
                    },
                },
            ]
        }
    )

    product_id: Id | None = None
    quantity: Quantity | None = None
    variant_id: Annotated[Id, Field(description="Needed where the product has several variants")] | None = None
    gift_card: GiftCardToBuyIn | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> "AddItemIn":
        if self.gift_card is None:
            for name in ("product_id", "quantity"):
                if getattr(self, name) is None:
                    raise PydanticCustomError("missing", "{name} is required", {"name": name})
        elif (self.product_id, self.quantity, self.variant_id) != (None, None, None):
            raise PydanticCustomError("two_items", "Send a product or a gift card, not both")
        return self

    def to_command(self, currency: str) -> AddItem | AddGiftCard:
        if self.gift_card is not None:
            return self.gift_card.to_command(currency)
        assert self.product_id is not None
        assert self.quantity is not None
        return AddItem(product_id=self.product_id, quantity=self.quantity, variant_id=self.variant_id)


class SetQuantityIn(Input):
    quantity: Annotated[int, Field(strict=True, ge=0, le=10_000, description="0 removes the item")]
