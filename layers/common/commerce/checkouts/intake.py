"""What a client of the storefront's checkout sends (contract CK-02, CK-04, CK-05): camelCase, decimal major units."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from commerce.carts.model import MAX_GIFT_CARD_ITEMS
from commerce.carts.paying_contracts import Pin
from commerce.carts.tenders import ApplyGiftCard
from commerce.carts.use_cases import AddGiftCard, AddItem
from commerce.checkouts.use_cases import SetConsignment
from commerce.gift_cards.contracts import Design, Message, Serial
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import CamelInput, CamelQuery, Country, Email, Id, Line, Phone, Quantity
from commerce.kernel.limits import MAX_LINES
from commerce.orders.model import Address
from commerce.promotions.applied_contracts import TypedCode


class IncludeQuery(CamelQuery):
    include: (
        Annotated[str, Field(max_length=500, description="Not needed: a checkout is always shown whole")] | None
    ) = None


class RemoveQuery(CamelQuery):
    include: Annotated[str, Field(max_length=500, description="Anything, to be shown the checkout")] | None = None


class LineItemIn(CamelInput):
    """Units of a product. Ids are the catalogue's own, not the numbers that a checkout shows in their place."""

    product_id: Id
    quantity: Quantity
    variant_id: Annotated[Id, Field(description="Needed where the product has several variants")] | None = None


class PersonIn(CamelInput):
    name: Line | None = None
    email: Email


class SenderIn(CamelInput):
    name: Annotated[Line, Field(description="Your own name when missing")] | None = None
    email: Annotated[Email, Field(description="Not read: it is your own")] | None = None


class GiftCertificateToBuyIn(CamelInput):
    """A gift card for somebody, issued and mailed when the order is paid; ``theme`` is its design."""

    amount: Annotated[AmountIn, Field(examples=[50])]
    recipient: PersonIn
    sender: SenderIn | None = None
    message: Message | None = None
    theme: Design | None = None

    def to_command(self, currency: str) -> AddGiftCard:
        return AddGiftCard(
            amount=money(self.amount, currency, field="giftCertificates.amount"),
            recipient_email=self.recipient.email,
            recipient_name=self.recipient.name,
            sender_name=self.sender.name if self.sender is not None else None,
            message=self.message,
            design=self.theme,
        )


def _some(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"minItems": 1}}}


class CartIn(CamelInput):
    """At least one thing to buy."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [_some("lineItems"), _some("giftCertificates")]})

    line_items: Annotated[list[LineItemIn], Field(max_length=MAX_LINES)] = []
    gift_certificates: Annotated[list[GiftCertificateToBuyIn], Field(max_length=MAX_GIFT_CARD_ITEMS)] = []

    @model_validator(mode="after")
    def _is_not_empty(self) -> "CartIn":
        if not self.line_items and not self.gift_certificates:
            raise PydanticCustomError("empty", "Name at least one thing to buy")
        return self

    def to_commands(self, currency: str) -> list[AddItem | AddGiftCard]:
        items = [AddItem(each.product_id, each.quantity, each.variant_id) for each in self.line_items]
        return [*items, *(each.to_command(currency) for each in self.gift_certificates)]


class GiftCertificateIn(CamelInput):
    """A gift card that is to pay, by its serial; its PIN proves that it is yours to spend."""

    serial: Annotated[Serial, Field(alias="giftCertificateCode")]
    pin: Pin

    def to_command(self) -> ApplyGiftCard:
        return ApplyGiftCard(self.serial, self.pin)


class CheckoutCouponIn(CamelInput):
    """A coupon that is to take something off, by its code."""

    coupon_code: TypedCode


class CheckoutAddressIn(CamelInput):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"type": "string"}}} for name in ("firstName", "lastName")
            ]
        }
    )

    first_name: Line | None = None
    last_name: Line | None = None
    email: Annotated[Email, Field(description="Not read: it is your own")] | None = None
    company: Line | None = None
    address1: Line
    address2: Line | None = None
    city: Line
    state_or_province: Line | None = None
    state_or_province_code: Line | None = None
    country_code: Annotated[Country, Field(description="The shop's country when missing")] | None = None
    postal_code: Line | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _has_a_name(self) -> "CheckoutAddressIn":
        if not (self.first_name or self.last_name):
            raise PydanticCustomError("missing", "An address needs a name")
        return self

    def to_address(self, country: str) -> Address:
        return Address(
            name=" ".join(part for part in (self.first_name, self.last_name) if part),
            company=self.company,
            address1=self.address1,
            address2=self.address2,
            city=self.city,
            state=self.state_or_province_code or self.state_or_province,
            postal_code=self.postal_code,
            country=self.country_code or country,
            phone=self.phone,
        )


class ConsignmentIn(CamelInput):
    """Where everything goes; the way of shipping is one of the checkout's ``availableShippingOptions``."""

    address: CheckoutAddressIn
    shipping_option_id: Id | None = None

    def to_command(self, country: str) -> SetConsignment:
        return SetConsignment(self.address.to_address(country), self.shipping_option_id)


class ConsignmentChangesIn(CamelInput):
    """What is left out or null stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    address: CheckoutAddressIn | None = None
    shipping_option_id: Annotated[Id, Field(description="One of `availableShippingOptions`")] | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "ConsignmentChangesIn":
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_to_change", "Send at least one field that is to change")
        return self

    def to_command(self, country: str) -> SetConsignment:
        return SetConsignment(
            self.address.to_address(country) if self.address is not None else None, self.shipping_option_id
        )
