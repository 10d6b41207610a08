"""Step Functions task: a shop's day is closed

The files of the liability export appear if the books and the balances agree to the cent. If they do not, nothing
appears and an alarm rings.
"""

from datetime import date
from typing import Any

from commerce.liability import publishing
from commerce.liability.messages import result_in, tenant_in


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    day = date.fromisoformat(event["day"])
    published = publishing.publish(tenant_in(event), day, [result_in(each) for each in event["read"]])
    return {"outcome": str(published.outcome), "message": published.message}
