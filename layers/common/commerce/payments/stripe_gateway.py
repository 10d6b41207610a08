"""Stripe behind one door: the only module that imports its SDK.

Calls time out after eight seconds (the SDK's default of eighty outlives API Gateway) and carry a stable idempotency key
per operation, because a repeated call without one charges twice.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import stripe

from commerce.disputes.model import DisputeStatus, Movement, ProviderDispute
from commerce.kernel import wire_json
from commerce.kernel.aws import client
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import CommerceError, Conflict, Invalid, Malformed, Unavailable
from commerce.kernel.money import Money
from commerce.kernel.periods import Period
from commerce.payments.model import (
    OURS,
    CaptureMethod,
    Intent,
    IntentStatus,
    ProviderRefund,
    StartPayment,
    StripeEvent,
)
from commerce.refunds.records import Refund, RefundStatus

_TIMEOUT_SECONDS = 8
_LISTED_AT_ONCE = 100  # Stripe's most
_SECRET_SECONDS = 300
TOLERANCE_SECONDS = 300


class ProviderFault(Unavailable):
    """Stripe failed inside: whether the call had its effect is not known."""


class Refused(Conflict):
    """Stripe refused for good; ``reason`` is its code."""


_secrets: dict[str, tuple[float, dict[str, str]]] = {}


def create_intent(tenant: Tenant, command: StartPayment, amount: Money, *, attempt: int) -> Intent:
    """Start collecting ``amount`` for an order. The same attempt gives the same intent, however often it is made.

    The buyer pays with what the merchant switched on in Stripe's dashboard, or with the method that ``command`` names.
    """
    parameters: dict[str, Any] = {
        "amount": _counted(amount),
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


def find_intent(mode: Mode, intent_id: str) -> Intent | None:
    """The intent as it is now, if Stripe knows it."""
    try:
        return get_intent(mode, intent_id)
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            return None
        raise


def modes() -> list[Mode]:
    """The modes that there is a key for."""
    return [mode for mode in Mode if _secret(os.environ["STRIPE_API_KEY_SECRET"]).get(str(mode))]


def intents_of(mode: Mode, period: Period) -> Iterator[Intent]:
    """All intents of the account that were made in a period, whoever made them."""
    return map(_intent, _listed(mode, "payment_intents", period))


def refunds_of(mode: Mode, period: Period) -> Iterator[tuple[Intent, ProviderRefund]]:
    """All refunds of intents that were made in a period, each with its intent as it is now."""
    for found in _listed(mode, "refunds", period, "data.payment_intent"):
        if found["payment_intent"] is not None:  # else of a charge that no intent made
            yield _intent(found["payment_intent"]), _refund(found)


def disputes_of(mode: Mode, period: Period) -> Iterator[tuple[Intent, ProviderDispute]]:
    """All disputes about intents that were made in a period, each with its intent as it is now."""
    for found in _listed(mode, "disputes", period, "data.payment_intent"):
        if found["payment_intent"] is not None:
            intent = _intent(found["payment_intent"])
            yield intent, _dispute(found | {"payment_intent": intent.intent_id})


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


def capture_intent(mode: Mode, intent_id: str, amount: Money) -> Intent:
    """Collect ``amount`` of an authorised intent, and let the rest go; give it as it is when it cannot be captured.

    Stripe captures an intent once, under whatever key; what counts is the intent itself.

    Raises:
        Refused: Stripe does not know it: the shop's keys are another account's now.
    """
    parameters: dict[str, Any] = {"amount_to_capture": _counted(amount)}
    key = f"till:{intent_id}:capture:{amount.minor}"
    try:
        captured = _call(
            mode, lambda sdk: sdk.v1.payment_intents.capture(intent_id, parameters, {"idempotency_key": key})
        )
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        if error.code == "resource_missing":
            raise Refused("The payment provider does not know this payment", reason="payment_unknown") from error
        return get_intent(mode, intent_id)
    except Conflict:
        return get_intent(mode, intent_id)
    except ProviderFault:
        found = get_intent(mode, intent_id)
        if found.is_open:
            raise
        return found
    return _intent(captured.to_dict())


def create_refund(tenant: Tenant, refund: Refund) -> None:
    """Give back the external part of a refund. The same attempt gives back once, however often it is made.

    Raises:
        Refused: Stripe does not give it back.
        ProviderFault: whether it did is not known, and the same attempt will never tell.
        Unavailable: try again.
    """
    parameters: dict[str, Any] = {
        "payment_intent": refund.payment_id,
        "amount": _counted(refund.external),
        "metadata": {
            "till_tenant": tenant.tenant_id,
            "till_mode": str(tenant.mode),
            "till_order": refund.order_id,
            "till_refund": refund.refund_id,
        },
    }
    key = f"till:{refund.refund_id}:{refund.attempts}"
    try:
        _call(tenant.mode, lambda sdk: sdk.v1.refunds.create(parameters, {"idempotency_key": key}))
    except stripe.InvalidRequestError as error:
        raise Refused("The payment provider does not give this back", reason=error.code or "refused") from error


def get_dispute(mode: Mode, dispute_id: str) -> ProviderDispute:
    """The dispute as it is now."""
    found = _call(mode, lambda sdk: sdk.v1.disputes.retrieve(dispute_id))
    return _dispute(found.to_dict())


def answer_dispute(
    mode: Mode, dispute_id: str, evidence: Mapping[str, str], *, submit: bool, response_id: str, attempt: int
) -> ProviderDispute:
    """Hand evidence in, or stage it. The dispute then says which response it holds.

    Raises:
        Invalid: Stripe does not take a piece of it, or not as much.
        Conflict: the dispute cannot be answered any more.
        ProviderFault: whether Stripe has it is not known, and the same attempt will never tell.
    """
    parameters: dict[str, Any] = {"evidence": dict(evidence), "submit": submit, "metadata": {_RESPONSE: response_id}}
    asked = hashlib.sha256(wire_json.canonical(parameters).encode()).hexdigest()[:16]
    key = f"till:{dispute_id}:response:{attempt}:{asked}"
    try:
        told = _call(mode, lambda sdk: sdk.v1.disputes.update(dispute_id, parameters, {"idempotency_key": key}))
    except stripe.InvalidRequestError as error:
        raise _refused_evidence(error) from error
    return _dispute(told.to_dict())


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
        dispute_id=subject["id"] if kind == "dispute" else None,
        mode=mode,
    )


def _intent(found: dict[str, Any], refunds: list[dict[str, Any]] | None = None) -> Intent:
    currency = found["currency"].upper()
    metadata = found.get("metadata") or {}
    return Intent(
        intent_id=found["id"],
        status=IntentStatus(found["status"]),
        amount=_money(found["amount"], currency),
        received=_money(found.get("amount_received") or 0, currency),
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


# Stripe's words, in ours: what a bank still has to agree to is pending, what it called off has failed.
_REFUND_STATES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def _refund(found: dict[str, Any]) -> ProviderRefund:
    status = _REFUND_STATES[found["status"]]
    return ProviderRefund(
        provider_id=found["id"],
        amount=_money(found["amount"], found["currency"].upper()),
        status=status,
        created_at=datetime.fromtimestamp(found["created"], UTC),
        refund_id=(found.get("metadata") or {}).get("till_refund"),
        failure=(found.get("failure_reason") or found["status"]) if status is RefundStatus.FAILED else None,
    )


_RESPONSE = f"{OURS}response"


def _dispute(found: dict[str, Any]) -> ProviderDispute:
    amount, details = _money(found["amount"], found["currency"].upper()), found["evidence_details"]
    held = {name: text for name, text in found["evidence"].items() if isinstance(text, str) and text}
    return ProviderDispute(
        dispute_id=found["id"],
        payment_id=found["payment_intent"],
        status=DisputeStatus(found["status"]),
        reason=found["reason"],
        amount=amount,
        due_by=datetime.fromtimestamp(details["due_by"], UTC) if details.get("due_by") else None,
        past_due=details["past_due"],
        submissions=details["submission_count"],
        created_at=datetime.fromtimestamp(found["created"], UTC),
        movements=tuple(_movement(each, amount) for each in found["balance_transactions"]),
        evidence=held,
        response_id=(found.get("metadata") or {}).get(_RESPONSE),
    )


def _movement(found: dict[str, Any], disputed: Money) -> Movement:
    """In the dispute's currency: an account that settles in another one tells its own amount."""
    minor = found["amount"]
    if found["currency"].upper() != disputed.currency:
        minor = disputed.minor if minor > 0 else -disputed.minor
    return Movement(found["id"], Money(minor, disputed.currency))


def _refused_evidence(error: stripe.InvalidRequestError) -> CommerceError:
    if error.code == "dispute_evidence_page_limit_exceeded":
        return Invalid("The evidence has more pages than the bank takes", field="evidence", reason="evidence_too_long")
    if error.param is not None and error.param.startswith("evidence["):
        field = error.param.replace("[", ".").rstrip("]")
        return Invalid("The payment provider does not take this evidence", field=field, reason="unusable_evidence")
    return Conflict("The dispute cannot be answered any more", field="status", reason="dispute_closed")


def _listed(mode: Mode, of: str, period: Period, *expanded: str) -> Iterator[dict[str, Any]]:
    """One of the account's lists, a hundred objects to a call, as they are asked for."""
    assert period.start is not None
    assert period.end is not None
    made = {"gte": int(period.start.timestamp()), "lt": int(period.end.timestamp())}
    parameters: dict[str, Any] = {"created": made, "limit": _LISTED_AT_ONCE, "expand": list(expanded)}

    def fetch(**after: str) -> dict[str, Any]:
        page: dict[str, Any] = _call(mode, lambda sdk: getattr(sdk.v1, of).list(parameters | after)).to_dict()
        return page

    page = fetch()
    yield from page["data"]
    while page["has_more"]:
        page = fetch(starting_after=page["data"][-1]["id"])
        yield from page["data"]


# What one of ISO's minor units is in Stripe's, where they differ ("special cases" on its page of currencies).
_STRIPE_UNITS = {"ISK": Decimal(100), "UGX": Decimal(100), "MGA": Decimal("0.01")}


def _counted(amount: Money) -> int:
    """An amount as Stripe counts it."""
    counted = amount.minor * _STRIPE_UNITS.get(amount.currency, Decimal(1))
    if counted % 1:
        raise Invalid(
            f"The payment provider takes whole units of {amount.currency}",
            field="amount",
            reason="too_many_decimal_places",
        )
    return int(counted)


def _money(counted: int, currency: str) -> Money:
    """What Stripe counts, as an amount."""
    return Money(int(counted / _STRIPE_UNITS.get(currency, Decimal(1))), currency)


def _call(mode: Mode, work: Any) -> Any:
    """Call Stripe; its errors in the domain's words. Messages of Stripe's are not passed on: they may quote input."""
    try:
        return work(_sdk(_secret(os.environ["STRIPE_API_KEY_SECRET"]).get(str(mode), "")))
    except stripe.IdempotencyError as error:
        raise Unavailable("The payment provider is still working on this", retry_after=1) from error
    except stripe.InvalidRequestError as error:
        if error.code == "payment_intent_unexpected_state":
            raise Conflict("The payment is in another state", reason="payment_state") from error
        if error.code in ("amount_too_small", "amount_too_large", "parameter_invalid_integer"):
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
