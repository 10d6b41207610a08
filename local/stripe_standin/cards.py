"""Stripe's documented test cards and what each does. Source: https://docs.stripe.com/testing.

A number is looked at once, when a payment method is made. What is kept is the card's name in this table.
"""

from dataclasses import dataclass
from enum import StrEnum

from .errors import StripeError, card_error


class Authentication(StrEnum):
    """When a card asks its holder to authenticate (3-D Secure)."""

    NEVER = "never"
    ALWAYS = "always"
    UNLESS_SET_UP = "unless_set_up"


@dataclass(frozen=True, slots=True)
class Decline:
    """How an issuer refuses."""

    code: str
    decline_code: str | None
    message: str

    def error(self) -> StripeError:
        """Give the refusal as a 402."""
        return card_error(self.code, self.message, decline_code=self.decline_code)


@dataclass(frozen=True, slots=True)
class TestCard:
    """One documented card. ``name`` is what follows ``pm_card_`` in its ready-made payment method."""

    name: str
    number: str
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    attaches: bool = True
    authentication: Authentication = Authentication.NEVER
    refund_status: str = "succeeded"
    dispute: str | None = None
    """The reason its holder gives for disputing every charge."""
    inquiry: bool = False
    """Its dispute is an inquiry first, which takes no money."""


def _declined(reason: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", reason, message)


GENERIC = _declined("generic_decline")
INSUFFICIENT_FUNDS = _declined("insufficient_funds", "Your card has insufficient funds.")
TOO_OFTEN = _declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
INCORRECT_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
NOT_A_TEST_CARD = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card. "
    "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)

CARDS = (
    TestCard("visa", "4242424242424242"),
    TestCard("visa_debit", "4000056655665556", funding="debit"),
    TestCard("mastercard", "5555555555554444", brand="mastercard"),
    TestCard("mastercard_debit", "5200828282828210", brand="mastercard", funding="debit"),
    TestCard("mastercard_prepaid", "5105105105105100", brand="mastercard", funding="prepaid"),
    TestCard("amex", "378282246310005", brand="amex"),
    TestCard("discover", "6011111111111117", brand="discover"),
    TestCard("diners", "3056930009020004", brand="diners"),
    TestCard("jcb", "3566002020360505", brand="jcb"),
    TestCard("unionpay", "6200000000000005", brand="unionpay"),
    TestCard("bypassPending", "4000000000000077"),
    TestCard("chargeDeclined", "4000000000000002", decline=GENERIC, attaches=False),
    TestCard("chargeDeclinedInsufficientFunds", "4000000000009995", decline=INSUFFICIENT_FUNDS, attaches=False),
    TestCard("chargeDeclinedLostCard", "4000000000009987", decline=_declined("lost_card"), attaches=False),
    TestCard("chargeDeclinedStolenCard", "4000000000009979", decline=_declined("stolen_card"), attaches=False),
    TestCard("chargeDeclinedVelocityLimitExceeded", "4000000000006975", decline=TOO_OFTEN, attaches=False),
    TestCard("chargeDeclinedExpiredCard", "4000000000000069", decline=EXPIRED, attaches=False),
    TestCard("chargeDeclinedIncorrectCvc", "4000000000000127", decline=INCORRECT_CVC, attaches=False),
    TestCard("chargeDeclinedProcessingError", "4000000000000119", decline=PROCESSING_ERROR, attaches=False),
    TestCard("radarBlock", "4100000000000019", decline=_declined("fraudulent")),
    TestCard("chargeCustomerFail", "4000000000000341", decline=GENERIC),
    TestCard("threeDSecure2Required", "4000000000003220", authentication=Authentication.ALWAYS),
    TestCard("authenticationRequired", "4000002760003184", authentication=Authentication.ALWAYS),
    TestCard("authenticationRequiredOnSetup", "4000002500003155", authentication=Authentication.UNLESS_SET_UP),
    TestCard(
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        decline=INSUFFICIENT_FUNDS,
        authentication=Authentication.ALWAYS,
    ),
    TestCard(
        "threeDSecureRequiredChargeDeclined",
        "4000008400001629",
        decline=GENERIC,
        authentication=Authentication.ALWAYS,
    ),
    TestCard("pendingRefund", "4000000000007726", refund_status="pending"),
    TestCard("refundFail", "4000000000005126"),
    TestCard("createDispute", "4000000000000259", dispute="fraudulent"),
    TestCard("createDisputeProductNotReceived", "4000000000002685", dispute="product_not_received"),
    TestCard("createDisputeInquiry", "4000000000001976", dispute="fraudulent", inquiry=True),
)
BY_NAME = {card.name: card for card in CARDS}
BY_NUMBER = {card.number: card for card in CARDS}

# Any other number: it makes a payment method and is refused when charged, as in Stripe's test mode.
UNKNOWN = TestCard("unknown", "", brand="unknown", decline=NOT_A_TEST_CARD, attaches=False)


def named(name: str) -> TestCard | None:
    """Find a card by what follows ``pm_card_`` or ``tok_``; Stripe writes most names with and without ``visa_``."""
    return BY_NAME.get(name) or BY_NAME.get(name.removeprefix("visa_"))


def kept(name: str) -> TestCard:
    """Find a card by the name that was stored for it."""
    return BY_NAME.get(name, UNKNOWN)


def checksum_holds(number: str) -> bool:
    """Tell whether a card number passes the Luhn check (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def read_number(number: str) -> TestCard:
    """Recognise a card number; raise a 402 ``incorrect_number`` for one that no network could have issued."""
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and checksum_holds(digits)):
        raise card_error("incorrect_number", "Your card number is incorrect.", param="number")
    return BY_NUMBER.get(digits, UNKNOWN)
