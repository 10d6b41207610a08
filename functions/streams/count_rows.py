"""DynamoDB stream of the table

Rows that enter, leave or change a list move the counters of that list, exactly once.
"""

from typing import Any

from commerce.counters import use_cases


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = use_cases.count(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": position} for position in failed]}
