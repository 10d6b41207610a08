"""Schedule: every 5 minutes

What carts held of gift cards for too long is free again, and cards and store credit past their last day lapse.

A run that dies leaves the rest to the next one; what is due comes from an index, the longest due first.
"""

from collections.abc import Callable
from typing import Any

from commerce.access.queries import find_tenant
from commerce.gift_cards import lifecycle, redeeming
from commerce.gift_cards import store as cards
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.cause import Cause
from commerce.kernel.errors import CommerceError, NotFound
from commerce.observability import logger
from commerce.store_credit import store as lots
from commerce.store_credit import use_cases as store_credit
from commerce.table.transaction import Transaction, run

PER_SHARD = 50  # a run ends well within its time-out; the next one takes the rest

type Sweep = Callable[[Transaction, Tenant], None]


def handler(event: dict[str, Any], context: Any) -> dict[str, dict[str, int]]:
    now = clock.now()
    done = {
        "redemptions": [_ended(*due) for due in cards.due_redemptions(now, PER_SHARD)],
        "cards": [_expired_card(*due) for due in cards.due(now, PER_SHARD)],
        "lots": [_expired_lot(*due) for due in lots.due(now, PER_SHARD)],
    }
    counts = {what: {"done": sum(each), "failed": len(each) - sum(each)} for what, each in done.items()}
    logger.info("stored value swept", counts=counts)
    return counts


def _ended(tenant: Tenant, serial: str, redemption_id: str) -> bool:
    return _swept(tenant, redemption_id, lambda tx, shop: redeeming.sweep(tx, shop, serial, redemption_id))


def _expired_card(tenant: Tenant, serial: str) -> bool:
    return _swept(tenant, "card", lambda tx, shop: lifecycle.expire(tx, shop, serial))


def _expired_lot(tenant: Tenant, credit_id: str) -> bool:
    return _swept(tenant, credit_id, lambda tx, shop: store_credit.expire(tx, shop, credit_id))


def _swept(tenant: Tenant, what: str, sweep: Sweep) -> bool:
    """Whether it was dealt with; one item must not keep all others from being swept."""
    try:
        shop = find_tenant(tenant.tenant_id, tenant.mode)
        if shop is None:
            raise NotFound("tenant")
        run(lambda tx: sweep(tx, shop), Cause("system:expiry"))
    except CommerceError as error:
        logger.warning("not swept", what=what, reason=error.reason)
        return False
    except Exception:  # noqa: BLE001
        logger.exception("not swept", what=what)
        return False
    return True
