"""Orders coming in over v2 (contract OR-08), apart from how they are shown."""

from typing import Annotated

from pydantic import Field

from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Id, Input, Metadata, Quantity
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Invalid
from commerce.kernel.limits import MAX_LINES
from commerce.orders.addresses import AddressIn
from commerce.orders.intake import CouponCodes
from commerce.orders.placing import PlaceOrder, WantedItem
from commerce.payments.methods import CARD, require_type

SHIPPING_METHODS = ("standard",)
_Name = Annotated[str, Field(strict=True, min_length=1, max_length=40)]


class V2ItemIn(Input):
    """``price`` of one unit must be the catalogue's, unless the credential has the scope ``orders:price_override``."""

    product_id: Id
    variant_id: Annotated[Id, Field(description="Needed where the product has several variants")] | None = None
    quantity: Quantity
    price: AmountIn | None = None

    def to_wanted(self, currency: str, index: int) -> WantedItem:
        price = None if self.price is None else money(self.price, currency, field=f"items.{index}.price")
        return WantedItem(self.product_id, self.variant_id, self.quantity, price)


class V2PlaceOrderIn(Input):
    """An order that the merchant places for a customer; without a shipping address the customer's default one."""

    customer_id: Id
    items: Annotated[list[V2ItemIn], Field(min_length=1, max_length=MAX_LINES)]
    shipping_address: AddressIn | None = None
    billing_address: AddressIn | None = None
    payment_method: Annotated[_Name, Field(description="How it is to be paid: card", examples=[CARD])] | None = None
    shipping_method: (
        Annotated[_Name, Field(description=f"Of: {', '.join(SHIPPING_METHODS)}", examples=["standard"])] | None
    ) = None
    coupon_codes: CouponCodes = []
    metadata: Metadata = {}

    def to_command(self, tenant: Tenant) -> PlaceOrder:
        """Raise Forbidden or Invalid for a way to pay, or to ship, that there is not."""
        if self.payment_method is not None:
            require_type(tenant, self.payment_method)
        if self.shipping_method not in (None, *SHIPPING_METHODS):
            raise Invalid(
                f"Ship by {', '.join(SHIPPING_METHODS)}", field="shipping_method", reason="unsupported_shipping_method"
            )
        return PlaceOrder(
            customer_id=self.customer_id,
            items=tuple(item.to_wanted(tenant.currency, index) for index, item in enumerate(self.items)),
            awaits_payment=False,
            shipping_address=self.shipping_address.to_address(tenant.country) if self.shipping_address else None,
            billing_address=self.billing_address.to_address(tenant.country) if self.billing_address else None,
            payment_method=self.payment_method,
            shipping_method=self.shipping_method,
            coupon_codes=tuple(self.coupon_codes),
            metadata=self.metadata,
        )
