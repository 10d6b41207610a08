"""Errors in Stripe's shape. Source: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes."""

from dataclasses import dataclass, field

from .shapes import JsonObject


@dataclass(slots=True)
class StripeError(Exception):
    """An answer other than 200. ``extra`` holds the members only some errors have, such as ``payment_intent``."""

    status: int
    kind: str
    message: str
    code: str | None = None
    param: str | None = None
    decline_code: str | None = None
    extra: JsonObject = field(default_factory=dict)

    def __str__(self) -> str:
        """Give the message alone."""
        return self.message

    def to_error(self) -> JsonObject:
        """Give the ``error`` member of the body, without the request's own log address."""
        body: JsonObject = {"type": self.kind, "message": self.message}
        if self.code is not None:
            body["code"] = self.code
            body["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.decline_code is not None:
            body["decline_code"] = self.decline_code
        if self.param is not None:
            body["param"] = self.param
        return body | self.extra


def invalid_request(
    message: str, *, code: str | None = None, param: str | None = None, status: int = 400
) -> StripeError:
    """Make the error Stripe gives for a request it understands and refuses."""
    return StripeError(status, "invalid_request_error", message, code=code, param=param)


def no_such(kind: str, object_id: str, *, param: str, status: int = 404) -> StripeError:
    """Make the error for an id that names nothing: 404 when it stands in the path, 400 when it is a parameter."""
    return invalid_request(f"No such {kind}: '{object_id}'", code="resource_missing", param=param, status=status)


def unexpected_state(message: str, intent: JsonObject) -> StripeError:
    """Make the error for a payment intent whose status does not allow what was asked."""
    error = invalid_request(message, code="payment_intent_unexpected_state")
    error.extra["payment_intent"] = dict(intent)
    return error


def card_error(code: str, message: str, *, decline_code: str | None = None, param: str | None = None) -> StripeError:
    """Make a 402: the card, not the request, is what was refused."""
    return StripeError(402, "card_error", message, code=code, param=param, decline_code=decline_code)


def api_error() -> StripeError:
    """Make a 500: nothing is known about whether the request took effect."""
    return StripeError(500, "api_error", "An unknown error occurred")


def rate_limited() -> StripeError:
    """Make a 429: the request was turned away before it was looked at."""
    return invalid_request(
        "Request rate limit exceeded. Retry the request after a short delay.", code="rate_limit", status=429
    )
