"""Schedule: every hour

Once a day, all payments, refunds and disputes of the last days are held against Stripe's own lists.

A run that has no time left leaves the rest to the next one; once the day's check is done, there is nothing to do.
"""

import time
from typing import Any

from commerce.observability import logger
from commerce.payments import reconciling, stripe_gateway

SECONDS = 420  # a part that begins then ends well within the time-out


def handler(event: dict[str, Any], context: Any) -> dict[str, dict[str, Any]]:
    end = time.monotonic() + SECONDS
    checks = [reconciling.go_on(mode, lambda: time.monotonic() < end) for mode in stripe_gateway.modes()]
    told = {
        str(check.mode): {
            "day": check.day.isoformat(),
            "finished": check.finished_at is not None,
            "compared": check.compared,
            "differences": {kind: found for kind, (found, _) in check.counts.items()},
            "repaired": {kind: repaired for kind, (_, repaired) in check.counts.items() if repaired},
        }
        for check in checks
    }
    logger.info("payments checked", checks=told)
    return told
