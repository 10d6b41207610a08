"""The storefront's checkout on the wire (contract 5.3, X-37): exactly the documented names and types.

Names are in camelCase, with the document's own slips (``istaxIncluded``, ``customer_id``, ``lineItems`` as a list of
one object). Amounts are decimal major units. A text that is not known is empty, never null.
"""

import hashlib
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from commerce.checkouts.model import Certificate, Checkout
from commerce.gift_cards import serials
from commerce.http.contracts import CamelOutput, Instant, Major
from commerce.kernel.caller import ShippingOption
from commerce.kernel.money import Money, exponent, total
from commerce.orders.model import Address, AppliedDiscount, SoldGiftCard
from commerce.promotions.model import CouponKind

_NOTHING = Decimal(0)
_STATE_CODE = 3  # characters of an ISO 3166-2 subdivision code at most
# How the documented currencies are called; any other one is shown by its code.
_CURRENCIES = {
    "EUR": ("Euro", "€"),
    "GBP": ("British Pound", "£"),
    "JPY": ("Japanese Yen", "¥"),
    "USD": ("US Dollar", "$"),
}

Number = Annotated[int, Field(description="Stands for an id of ours, always the same one; no id is read out of it")]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]


def number_of(entity_id: str) -> int:
    """The integer that stands for an id (contract X-45): 53 bits, which every reader of JSON has; 0 stands for none."""
    return int.from_bytes(hashlib.sha256(entity_id.encode()).digest()[:8]) >> 11 if entity_id else 0


class CurrencyOut(CamelOutput):
    name: str
    code: str
    symbol: str
    decimal_places: int

    @classmethod
    def of(cls, code: str) -> "CurrencyOut":
        name, symbol = _CURRENCIES.get(code, (code, code))
        return cls(name=name, code=code, symbol=symbol, decimal_places=exponent(code))


class DiscountOut(CamelOutput):
    name: str
    discounted_amount: Major


class CartCouponOut(CamelOutput):
    """``discountedAmount`` is what it takes off the items and shipping together; so it is where coupons stand again."""

    id: str
    code: str
    display_name: str
    coupon_type: str
    discounted_amount: Major

    @classmethod
    def of(cls, coupon: AppliedDiscount) -> "CartCouponOut":
        return cls(
            id=coupon.discount_id,
            code=coupon.code or "",
            display_name=coupon.name,
            coupon_type=coupon.coupon_kind or "",
            discounted_amount=(coupon.amount + coupon.shipping).major,
        )


class GiftWrappingOut(CamelOutput):
    name: str
    message: str
    amount: Major


class ItemOut(CamelOutput):
    """Amounts of all units together, but for ``listPrice`` and ``salePrice``, which are one unit's."""

    id: str
    parent_id: str
    variant_id: Number
    product_id: Number
    sku: str
    name: str
    url: str
    quantity: int
    is_taxable: bool
    image_url: str
    discounts: list[DiscountOut]
    discount_amount: Major
    coupon_amount: Major
    list_price: Major
    sale_price: Major
    extended_list_price: Major
    extended_sale_price: Major
    type: str
    is_shipping_required: bool
    is_mutable: bool


class PhysicalItemOut(ItemOut):
    added_by_promotion: bool
    gift_wrapping: GiftWrappingOut

    @classmethod
    def of(cls, checkout: Checkout, index: int) -> "PhysicalItemOut":
        line = checkout.items[index]
        automatic = [(each.name, each.parts[index]) for each in checkout.automatic]
        by_coupons = total([each.parts[index] for each in checkout.coupons], checkout.currency)
        return cls(
            id=line.line_id,
            parent_id="",
            variant_id=number_of(line.variant_id),
            product_id=number_of(line.product_id),
            sku=line.sku,
            name=line.name,
            url="",
            quantity=line.quantity,
            is_taxable=False,
            image_url="",
            discounts=[DiscountOut(name=name, discounted_amount=part.major) for name, part in automatic if part.minor],
            discount_amount=total([part for _, part in automatic], checkout.currency).major,
            coupon_amount=by_coupons.major,
            list_price=line.unit_price.major,
            sale_price=line.unit_price.major,
            extended_list_price=line.total.major,
            extended_sale_price=line.total.major,
            type="physical",
            added_by_promotion=False,
            is_shipping_required=True,
            is_mutable=checkout.order_id is None,
            gift_wrapping=GiftWrappingOut(name="", message="", amount=_NOTHING),
        )


class DigitalItemOut(ItemOut):
    brand: str
    download_file_urls: list[str]
    download_page_url: str
    download_size: str


class PersonOut(CamelOutput):
    name: str
    email: str


class GiftCertificateItemOut(CamelOutput):
    """A gift card that is bought for somebody; ``theme`` is its design."""

    id: str
    name: str
    theme: str
    amount: Major
    taxable: bool
    sender: PersonOut
    recipient: PersonOut
    message: str
    type: str

    @classmethod
    def of(cls, card: SoldGiftCard, buyer: str) -> "GiftCertificateItemOut":
        return cls(
            id=card.line_id,
            name="Gift card",
            theme=card.design or "",
            amount=card.amount.major,
            taxable=False,
            sender=PersonOut(name=card.sender_name or "", email=buyer),
            recipient=PersonOut(name=card.recipient_name or "", email=card.recipient_email),
            message=card.message or "",
            type="giftCertificate",
        )


class CustomItemOut(CamelOutput):
    id: str
    sku: str
    name: str
    quantity: str
    list_price: str


class LineItemsOut(CamelOutput):
    """What is bought, by kind. The shop has no digital and no custom items."""

    physical_items: list[PhysicalItemOut]
    digital_items: list[DigitalItemOut]
    gift_certificate: list[GiftCertificateItemOut]
    custom_items: list[CustomItemOut]


class CheckoutCartOut(CamelOutput):
    """``baseAmount`` is what things cost, ``cartAmount`` that without discounts; neither has shipping in it."""

    id: str
    customer_id: Annotated[Number, Field(alias="customer_id")]
    email: str
    currency: CurrencyOut
    is_tax_included: Annotated[bool, Field(alias="istaxIncluded")]
    base_amount: Major
    discount_amount: Major
    cart_amount: Major
    coupons: list[CartCouponOut]
    discounts: list[DiscountOut]
    line_items: list[LineItemsOut]
    created_time: Instant
    updated_time: Instant


class CustomFieldOut(CamelOutput):
    field_id: str
    field_value: str


class CheckoutAddressOut(CamelOutput):
    """All texts are empty where there is no address yet."""

    first_name: str
    last_name: str
    email: str
    company: str
    address1: str
    address2: str
    city: str
    state_or_province: str
    state_or_province_code: str
    country_code: str
    postal_code: str
    phone: str
    custom_fields: list[CustomFieldOut]
    id: str

    @classmethod
    def of(cls, address: Address | None, address_id: str, email: str) -> "CheckoutAddressOut":
        known = address or Address(name="", address1="", city="", country="")
        first, _, last = known.name.rpartition(" ")
        state = known.state or ""
        return cls(
            first_name=first,
            last_name=last,
            email=email if address is not None else "",
            company=known.company or "",
            address1=known.address1,
            address2=known.address2 or "",
            city=known.city,
            state_or_province=state,
            state_or_province_code=state if len(state) <= _STATE_CODE else "",
            country_code=known.country,
            postal_code=known.postal_code or "",
            phone=known.phone or "",
            custom_fields=[],
            id=address_id,
        )


class ChosenShippingOut(CamelOutput):
    """``type`` is what the shop calls this way of shipping."""

    id: str
    type: str
    image_url: str
    cost: Major
    transit_time: str

    @classmethod
    def of(cls, option: ShippingOption, currency: str) -> "ChosenShippingOut":
        return cls(**_shipping(option, currency))


class AvailableShippingOut(ChosenShippingOut):
    is_recommended: bool


class EmptyOut(CamelOutput):
    """An object without anything in it, as documented."""


class CouponDiscountOut(CamelOutput):
    code: str
    amount: Major


class ConsignmentDiscountOut(CamelOutput):
    id: str


class ConsignmentOut(CamelOutput):
    """Where things go, and how. There is one, with everything that is shipped; of gift cards alone there is none."""

    id: str
    shipping_address: EmptyOut
    address: CheckoutAddressOut
    available_shipping_options: list[AvailableShippingOut]
    selected_shipping_option: ChosenShippingOut
    coupon_discounts: list[CouponDiscountOut]
    discounts: list[ConsignmentDiscountOut]
    shipping_cost: Major
    handling_cost: Major
    line_item_ids: list[str]

    @classmethod
    def of(cls, checkout: Checkout) -> "ConsignmentOut":
        consignment_id = consignment_of(checkout.checkout_id)
        options = checkout.shipping_options
        return cls(
            id=consignment_id,
            shipping_address=EmptyOut(),
            address=CheckoutAddressOut.of(checkout.shipping_address, consignment_id, checkout.email),
            available_shipping_options=[
                AvailableShippingOut(**_shipping(each, checkout.currency), is_recommended=each is options[0])
                for each in options
            ],
            selected_shipping_option=ChosenShippingOut.of(checkout.chosen or ShippingOption("", ""), checkout.currency),
            coupon_discounts=[
                CouponDiscountOut(code=each.code or "", amount=each.shipping.major)
                for each in checkout.coupons
                if each.shipping.minor
            ],
            discounts=[],
            shipping_cost=checkout.shipping.major,
            handling_cost=_NOTHING,
            line_item_ids=[item.line_id for item in checkout.items],
        )


class CheckoutCouponOut(CamelOutput):
    """``couponType`` is 0 for a percentage, 1 for a fixed amount, 2 for free shipping."""

    id: Number
    code: str
    display_name: str
    coupon_type: int
    discounted_amount: Major

    @classmethod
    def of(cls, coupon: AppliedDiscount) -> "CheckoutCouponOut":
        shown = CartCouponOut.of(coupon)
        return cls(
            id=number_of(shown.id),
            code=shown.code,
            display_name=shown.display_name,
            coupon_type=list(CouponKind).index(CouponKind(shown.coupon_type)),
            discounted_amount=shown.discounted_amount,
        )


class TaxOut(CamelOutput):
    name: str
    amount: Major


class GiftCertificateOut(CamelOutput):
    """A gift card that pays: ``used`` of its ``balance``, which leaves ``remaining``."""

    balance: Major
    code: str
    purchase_date: Day
    remaining: Major
    used: Major

    @classmethod
    def of(cls, certificate: Certificate) -> "GiftCertificateOut":
        return cls(
            balance=certificate.balance.major,
            code=serials.printed(certificate.serial),
            purchase_date=certificate.issued_on.isoformat(),
            remaining=(certificate.balance - certificate.used).major,
            used=certificate.used.major,
        )


class CheckoutOut(CamelOutput):
    """``grandTotal`` is what everything costs, ``outstandingBalance`` what is left of it to be paid with money.

    ``orderId`` is empty until the checkout is an order.
    """

    id: str
    cart: CheckoutCartOut
    billing_address: CheckoutAddressOut
    consignments: list[ConsignmentOut]
    coupons: list[CheckoutCouponOut]
    order_id: str
    shipping_cost_total: Major
    gift_wrapping_cost_total: Major
    handling_cost_total: Major
    tax_total: Major
    taxes: list[TaxOut]
    subtotal: Major
    grand_total: Major
    gift_certificates: list[GiftCertificateOut]
    created_time: Instant
    updated_time: Instant
    customer_message: str
    outstanding_balance: Major
    is_store_credit_applied: Annotated[bool, Field(description="Whether store credit pays for some of it")]

    @classmethod
    def of(cls, checkout: Checkout) -> "CheckoutOut":
        billing_id = checkout.checkout_id.replace("cart_", "billing_", 1)
        return cls(
            id=checkout.checkout_id,
            cart=CheckoutCartOut(**cart_fields(checkout)),
            billing_address=CheckoutAddressOut.of(checkout.billing_address, billing_id, checkout.email),
            consignments=[ConsignmentOut.of(checkout)] if checkout.items else [],
            coupons=[CheckoutCouponOut.of(each) for each in checkout.coupons],
            order_id=checkout.order_id or "",
            shipping_cost_total=checkout.shipping.major,
            gift_wrapping_cost_total=_NOTHING,
            handling_cost_total=_NOTHING,
            tax_total=checkout.tax.major,
            taxes=[],
            subtotal=checkout.subtotal.major,
            grand_total=checkout.grand_total.major,
            gift_certificates=[GiftCertificateOut.of(each) for each in checkout.certificates],
            created_time=checkout.created_at,
            updated_time=checkout.updated_at,
            customer_message="",
            outstanding_balance=checkout.outstanding.major,
            is_store_credit_applied=checkout.store_credit.minor > 0,
        )


class StorefrontCartOut(CheckoutCartOut):
    """The cart, with the checkout that it is: both have the same id."""

    checkout_id: str

    @classmethod
    def of(cls, checkout: Checkout) -> "StorefrontCartOut":
        return cls(**cart_fields(checkout), checkout_id=checkout.checkout_id)


def consignment_of(checkout_id: str) -> str:
    """The id of a checkout's one consignment."""
    return checkout_id.replace("cart_", "consignment_", 1)


def cart_fields(checkout: Checkout) -> dict[str, Any]:
    """Values of ``CheckoutCartOut``."""
    items = LineItemsOut(
        physical_items=[PhysicalItemOut.of(checkout, index) for index in range(len(checkout.items))],
        digital_items=[],
        gift_certificate=[GiftCertificateItemOut.of(card, checkout.email) for card in checkout.gift_cards],
        custom_items=[],
    )
    return {
        "id": checkout.checkout_id,
        "customer_id": number_of(checkout.customer_id),
        "email": checkout.email,
        "currency": CurrencyOut.of(checkout.currency),
        "is_tax_included": False,
        "base_amount": checkout.subtotal.major,
        "discount_amount": checkout.discount.major,
        "cart_amount": (checkout.subtotal - checkout.discount).major,
        "coupons": [CartCouponOut.of(each) for each in checkout.coupons],
        "discounts": [DiscountOut(name=each.name, discounted_amount=each.amount.major) for each in checkout.automatic],
        "line_items": [items],
        "created_time": checkout.created_at,
        "updated_time": checkout.updated_at,
    }


def _shipping(option: ShippingOption, currency: str) -> dict[str, Any]:
    return {
        "id": option.option_id,
        "type": option.name,
        "image_url": "",
        "cost": Money(option.cost, currency).major,
        "transit_time": option.transit_time,
    }
