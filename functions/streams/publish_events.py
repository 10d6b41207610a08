"""DynamoDB stream of the table, outbox rows and stock only

What happened in the shop becomes events on the bus, in order for each order, product or customer; and so does stock
that comes and goes.
"""

from typing import Any

from commerce.events import bus


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = bus.publish(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": position} for position in failed]}
