"""Stripe behind one door: the only module that imports its SDK.

Calls time out after eight seconds (the SDK's default of eighty outlives API Gateway) and carry a stable idempotency key
per operation, because a repeated call without one charges twice.
"""

import hashlib
import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

import stripe

from commerce.kernel import wire_json
from commerce.kernel.aws import client
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import CommerceError, Conflict, Invalid, Malformed, Unavailable
from commerce.kernel.money import Money
from commerce.payments.model import OURS, CaptureMethod, Intent, IntentStatus, Refund, StartPayment, StripeEvent

_TIMEOUT_SECONDS = 8
_SECRET_SECONDS = 300
TOLERANCE_SECONDS = 300


class ProviderFault(Unavailable):
    """Stripe failed inside: whether the call had its effect is not known."""


_secrets: dict[str, tuple[float, dict[str, str]]] = {}


def create_intent(tenant: Tenant, command: StartPayment, amount: Money, *, attempt: int) -> Intent:
    """Start collecting ``amount`` for an order. The same attempt gives the same intent, however often it is made.

    The buyer pays with what the merchant switched on in Stripe's dashboard, or with the method that ``command`` names.
    """
    parameters: dict[str, Any] = {
        "amount": amount.minor,
        "currency": amount.currency.lower(),
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {
            **command.metadata,
            "till_tenant": tenant.tenant_id,
            "till_mode": str(tenant.mode),
            "till_order": command.order_id,
        },
    }
    if command.capture_method is CaptureMethod.MANUAL:
        parameters["capture_method"] = "manual"
    if command.payment_method is not None:
        parameters["payment_method"] = command.payment_method
    # Stripe refuses another request under a key that it knows, for ever; another request is another intent.
    asked = hashlib.sha256(wire_json.canonical(parameters).encode()).hexdigest()[:16]
    key = f"till:{tenant.tenant_id}:{tenant.mode}:{command.order_id}:intent:{attempt}:{asked}"
    created = _call(tenant.mode, lambda sdk: sdk.v1.payment_intents.create(parameters, {"idempotency_key": key}))
    return _intent(created.to_dict())


def get_intent(mode: Mode, intent_id: str, *, with_refunds: bool = False) -> Intent:
    """The intent as it is now; with its refunds that costs a second call."""
    found = _call(mode, lambda sdk: sdk.v1.payment_intents.retrieve(intent_id))
    refunds = (
        _call(mode, lambda sdk: sdk.v1.refunds.list({"payment_intent": intent_id, "limit": 100}))
        if with_refunds
        else None
    )
    return _intent(found.to_dict(), [] if refunds is None else [each.to_dict() for each in refunds.auto_paging_iter()])


def cancel_intent(mode: Mode, intent_id: str) -> Intent:
    """Cancel an intent that is still open; give it as it is when it cannot be cancelled any more.

    Stripe keeps an internal error under its idempotency key and answers it for ever; what counts is the intent itself.
    """
    try:
        cancelled = _call(
            mode,
            lambda sdk: sdk.v1.payment_intents.cancel(
                intent_id, {"cancellation_reason": "abandoned"}, {"idempotency_key": f"till:{intent_id}:cancel"}
            ),
        )
    except Conflict:
        return get_intent(mode, intent_id)
    except ProviderFault:
        found = get_intent(mode, intent_id)
        if found.is_open:
            raise
        return found
    return _intent(cancelled.to_dict())


def refund_all(mode: Mode, intent_id: str, reason: str) -> None:
    """Give back everything that an intent collected. Calling it again gives nothing back twice."""
    _call(
        mode,
        lambda sdk: sdk.v1.refunds.create(
            {"payment_intent": intent_id, "metadata": {"till_reason": reason}},
            {"idempotency_key": f"till:{intent_id}:refund:{reason}"},
        ),
    )


def read_event(payload: bytes, signature: str) -> StripeEvent:
    """Verify a delivery on its raw bytes and give what matters of it.

    The SDK bounds a timestamp's age and not its future, so that bound is added. While a secret is rotated Stripe signs
    with both; any match is accepted, and so is either mode's secret.

    Raises:
        Malformed: no valid signature, or not within five minutes of now.
    """
    for mode, secret in _secret(os.environ["STRIPE_WEBHOOK_SECRET"]).items():
        try:
            event = stripe.Webhook.construct_event(payload, signature, secret, tolerance=TOLERANCE_SECONDS)
        except (ValueError, stripe.SignatureVerificationError):
            continue
        if _signed_at(signature) > time.time() + TOLERANCE_SECONDS:
            break
        return _event(event.to_dict(), mode)
    raise Malformed("The Stripe-Signature does not fit this body", field="Stripe-Signature", reason="bad_signature")


def _signed_at(signature: str) -> float:
    return float(dict(part.split("=", 1) for part in signature.split(",") if "=" in part)["t"])


def _event(event: dict[str, Any], mode: str) -> StripeEvent:
    subject = event["data"]["object"]
    kind = subject.get("object")
    intent_id = subject["id"] if kind == "payment_intent" else subject.get("payment_intent")
    return StripeEvent(
        event_id=event["id"],
        type=event["type"],
        intent_id=intent_id if isinstance(intent_id, str) else None,
        mode=mode,
    )


def _intent(found: dict[str, Any], refunds: list[dict[str, Any]] | None = None) -> Intent:
    currency = found["currency"].upper()
    metadata = found.get("metadata") or {}
    return Intent(
        intent_id=found["id"],
        status=IntentStatus(found["status"]),
        amount=Money(found["amount"], currency),
        received=Money(found.get("amount_received") or 0, currency),
        failed=found.get("last_payment_error") is not None,
        client_secret=found.get("client_secret"),
        tenant_id=metadata.get("till_tenant"),
        mode=metadata.get("till_mode"),
        order_id=metadata.get("till_order"),
        created_at=datetime.fromtimestamp(found["created"], UTC),
        capture_method=CaptureMethod.MANUAL if found["capture_method"] == "manual" else CaptureMethod.AUTOMATIC,
        payment_method=found.get("payment_method"),
        metadata={name: text for name, text in metadata.items() if not name.startswith(OURS)},
        refunds=tuple(_refund(each) for each in refunds or ()),
    )


def _refund(found: dict[str, Any]) -> Refund:
    return Refund(
        refund_id=found["id"],
        amount=Money(found["amount"], found["currency"].upper()),
        succeeded=found["status"] == "succeeded",
    )


def _call(mode: Mode, work: Any) -> Any:
    """Call Stripe; its errors in the domain's words. Messages of Stripe's are not passed on: they may quote input."""
    try:
        return work(_sdk(_secret(os.environ["STRIPE_API_KEY_SECRET"]).get(str(mode), "")))
    except stripe.IdempotencyError as error:
        raise Unavailable("The payment provider is still working on this", retry_after=1) from error
    except stripe.InvalidRequestError as error:
        if error.code == "payment_intent_unexpected_state":
            raise Conflict("The payment is in another state", reason="payment_state") from error
        if error.code in ("amount_too_small", "amount_too_large"):
            raise Invalid(
                "The payment provider does not take this amount", field="amount", reason=error.code
            ) from error
        if error.param == "payment_method":
            raise Invalid(
                "The payment provider does not take this payment method here",
                field="payment_method",
                reason="unusable_payment_method",
            ) from error
        if error.http_status == 409:
            raise Unavailable("The payment provider is busy with this payment", retry_after=1) from error
        raise
    except (stripe.RateLimitError, stripe.APIConnectionError) as error:
        raise Unavailable("The payment provider is busy, try again", retry_after=2) from error
    except stripe.APIError as error:
        raise ProviderFault("The payment provider has a problem, try again", retry_after=2) from error


@cache
def _sdk(api_key: str) -> stripe.StripeClient:
    if not api_key:
        raise CommerceError("No Stripe key is configured for this mode")
    base = os.environ.get("STRIPE_API_BASE")
    return stripe.StripeClient(
        api_key,
        max_network_retries=2,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT_SECONDS),
        base_addresses={"api": base} if base else {},
    )


def _secret(name: str) -> dict[str, str]:
    """A secret per mode, kept in memory for five minutes."""
    kept = _secrets.get(name)
    if kept is None or kept[0] < time.monotonic():
        text = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        kept = (time.monotonic() + _SECRET_SECONDS, wire_json.loads(text))
        _secrets[name] = kept
    return kept[1]
