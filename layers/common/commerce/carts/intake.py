"""A checkout on the wire (contract CA-03)."""

from commerce.carts.checkout import Checkout
from commerce.http.contracts import Input, Major, Output
from commerce.orders.addresses import AddressIn
from commerce.orders.model import Order, Status


class CheckoutIn(Input):
    """Without addresses the customer's default ones are used."""

    shipping_address: AddressIn | None = None
    billing_address: AddressIn | None = None

    def to_command(self, country: str) -> Checkout:
        return Checkout(
            shipping_address=self.shipping_address.to_address(country) if self.shipping_address else None,
            billing_address=self.billing_address.to_address(country) if self.billing_address else None,
        )


class CheckedOut(Output):
    """``amount_due`` is what is left to pay with money; an order of which nothing is left is paid, so ``pending``."""

    order_id: str
    status: Status
    total: Major
    amount_due: Major

    @classmethod
    def of(cls, order: Order) -> "CheckedOut":
        return cls(
            order_id=order.order_id, status=order.status, total=order.total.major, amount_due=order.outstanding.major
        )
