"""Payments on the wire (contract PY-01). Amounts are integer minor units here, as documented."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Input, OrderId, Output
from commerce.payments.model import Intent
from commerce.payments.use_cases import StartPayment


class StartPaymentIn(Input):
    """``amount`` in minor units: 14999 is 149.99 USD. It must be what the order still owes."""

    order_id: Annotated[OrderId, Field(examples=["order_789"])]
    amount: Annotated[int, Field(strict=True, ge=1, examples=[14999])]
    currency: Annotated[str, Field(strict=True, min_length=3, max_length=3, examples=["usd"])]

    def to_command(self) -> StartPayment:
        return StartPayment(order_id=self.order_id, minor=self.amount, currency=self.currency)


class PaymentStarted(Output):
    """``client_secret`` is for the buyer's browser: Stripe's own elements complete the payment with it."""

    client_secret: str
    payment_intent_id: str

    @classmethod
    def of(cls, intent: Intent) -> "PaymentStarted":
        return cls(client_secret=intent.client_secret or "", payment_intent_id=intent.intent_id)
