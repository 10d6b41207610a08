"""Step Functions task: the closing of a shop's day begins

The work of a liability export falls into parts. While the day before is not closed the day waits, and after ten minutes
it is left to the next hour's attempt.
"""

from datetime import date
from typing import Any

from commerce.liability import use_cases
from commerce.liability.messages import part_message, tenant_in

MAX_WAITS = 20


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    parts = use_cases.begin(tenant_in(event), date.fromisoformat(event["day"]))
    waited = event["waited"] + 1
    status = "ready" if parts else "waiting" if waited <= MAX_WAITS else "postponed"
    return {**event, "status": status, "waited": waited, "parts": [part_message(part) for part in parts]}
