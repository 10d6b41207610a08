"""Payments on the wire (contract PY-01, PY-03, PY-08, PY-09). Amounts are integer minor units here, as documented."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from commerce.http.contracts import Id, Input, Instant, Metadata, OrderId, Output, Says
from commerce.http.pages import PageQuery
from commerce.kernel.caller import Tenant
from commerce.payments.methods import CARD, saved_method
from commerce.payments.model import OURS, CaptureMethod, Intent, IntentStatus, Payment, StartPayment
from commerce.payments.representation import as_object

MAX_METADATA = 47  # names; Stripe keeps fifty, and three are ours


class StartPaymentIn(Input):
    """``amount`` in minor units: 14999 is 149.99 USD. It must be what the order still owes."""

    order_id: Annotated[OrderId, Field(examples=["order_789"])]
    amount: Annotated[int, Field(strict=True, ge=1, examples=[14999])]
    currency: Annotated[
        str, Field(strict=True, min_length=3, max_length=3, examples=["usd"]), Says(pattern="^[A-Za-z]{3}$")
    ]

    def to_command(self) -> StartPayment:
        return StartPayment(order_id=self.order_id, minor=self.amount, currency=self.currency)


class PaymentStarted(Output):
    """``client_secret`` is for the buyer's browser: Stripe's own elements complete the payment with it."""

    client_secret: str
    payment_intent_id: str

    @classmethod
    def of(cls, intent: Intent) -> "PaymentStarted":
        return cls(client_secret=intent.client_secret or "", payment_intent_id=intent.intent_id)


def _mergeable(metadata: dict[str, str]) -> dict[str, str]:
    if len(metadata) > MAX_METADATA:
        raise PydanticCustomError("too_long", f"At most {MAX_METADATA} keys")
    if any(name.startswith(OURS) for name in metadata):
        raise PydanticCustomError("reserved_key", f"Keys that begin with {OURS} are ours")
    return metadata


class V2StartPaymentIn(StartPaymentIn):
    """``payment_method`` is the type ``card``, or a payment method that the buyer chose before (``pm_…``).

    With ``capture_method`` ``manual`` the money is authorised only, and collected by a call of its own.
    """

    payment_method: Annotated[str, Field(strict=True, min_length=1, max_length=64, examples=["card"])] = CARD
    customer_id: Annotated[Id, Field(description="Whose order it is; another customer is refused")] | None = None
    capture_method: CaptureMethod | None = None
    metadata: Annotated[
        Metadata,
        AfterValidator(_mergeable),
        Says(maxProperties=MAX_METADATA, propertyNames={"pattern": f"^(?!{OURS})", "minLength": 1, "maxLength": 40}),
    ] = {}

    def to_v2_command(self, tenant: Tenant) -> StartPayment:
        """Raise Forbidden or Invalid for a way to pay that there is not."""
        return StartPayment(
            order_id=self.order_id,
            minor=self.amount,
            currency=self.currency,
            customer_id=self.customer_id,
            payment_method=saved_method(tenant, self.payment_method),
            capture_method=self.capture_method,
            metadata=self.metadata,
        )


class CapturePaymentIn(Input):
    """``amount`` in minor units, at most what was authorised; all of it when left out or null."""

    amount: Annotated[int, Field(strict=True, ge=1, examples=[14999])] | None = None


class PaymentOut(Output):
    """A payment; its id is the intent's. ``status`` is Stripe's word for the state of the intent."""

    id: str
    status: IntentStatus
    amount: int
    amount_received: int
    amount_refunded: int
    currency: str
    order_id: str
    customer_id: str
    capture_method: CaptureMethod
    payment_method: str | None
    metadata: dict[str, str]
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOut":
        return cls(**as_object(payment))


class IntentOut(Output):
    """``client_secret`` is for the buyer's browser, and in this answer only."""

    id: str
    client_secret: str
    status: IntentStatus
    amount: int
    currency: str
    order_id: str
    capture_method: CaptureMethod
    payment_method: str | None
    metadata: dict[str, str]
    created_at: Instant

    @classmethod
    def of(cls, intent: Intent) -> "IntentOut":
        return cls(
            id=intent.intent_id,
            client_secret=intent.client_secret or "",
            status=intent.status,
            amount=intent.amount.minor,
            currency=intent.amount.currency.lower(),
            order_id=intent.order_id or "",
            capture_method=intent.capture_method,
            payment_method=intent.payment_method,
            metadata=intent.metadata,
            created_at=intent.created_at,
        )


class PaymentsQuery(PageQuery):
    status: IntentStatus | None = None
    order_id: OrderId | None = None
    customer_id: Id | None = None
