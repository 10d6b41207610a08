"""Step Functions task: a part of a shop's day is read

One shard of the day's ledger entries, or the balances of some of its cards or lots as they were when the day ended.
"""

from datetime import date
from typing import Any

from commerce.liability import use_cases
from commerce.liability.messages import part_in, result_message, tenant_in


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    day = date.fromisoformat(event["day"])
    return result_message(use_cases.read(tenant_in(event), day, event["run"], part_in(event["part"])))
