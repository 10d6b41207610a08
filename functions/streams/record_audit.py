"""DynamoDB stream of the table, audited rows only

Who changed what, from what to what, becomes an entry of the audit log, exactly once.
"""

from typing import Any

from commerce.audit import use_cases


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = use_cases.record(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": position} for position in failed]}
