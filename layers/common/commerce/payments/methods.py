"""How an order can be paid (contract X-48): what Stripe's cards and wallets do; the rest is refused by name."""

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Forbidden, Invalid

CARD = "card"
SAVED = "pm_"  # how the ids of payment methods begin that a buyer chose before
_CRYPTO = "crypto"
_CRYPTO_PLAN = "enterprise"


def saved_method(tenant: Tenant, method: str) -> str | None:
    """The saved payment method that ``method`` names, None for the type ``card``.

    Raises:
        Forbidden: cryptocurrency is for enterprise plans, as documented.
        Invalid: another way to pay.
    """
    if method.startswith(SAVED):
        return method
    require_type(tenant, method)
    return None


def require_type(tenant: Tenant, method: str) -> None:
    """Raise Forbidden or Invalid for a type of payment that this tenant does not have."""
    if method == _CRYPTO and tenant.plan != _CRYPTO_PLAN:
        raise Forbidden("Cryptocurrency is for enterprise plans", field="payment_method", reason="plan_required")
    if method != CARD:
        raise Invalid(
            f"Pay by {CARD}, or with a saved {SAVED}… method",
            field="payment_method",
            reason="unsupported_payment_method",
        )
