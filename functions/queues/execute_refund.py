"""Queue: refunds to carry out

The payment provider is asked for what goes back through it. A message that fails comes back alone and ends in the
dead-letter queue after six tries; what the provider has not answered by then is asked for again every quarter of an
hour.
"""

from typing import Any

from commerce.kernel.errors import CommerceError
from commerce.observability import logger
from commerce.refunds import execution
from commerce.refunds.queue import requested


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        try:
            asked = requested(record["body"])
            status = execution.execute(asked.tenant_id, asked.mode, asked.order_id, asked.refund_id)
            logger.info("refund asked for", refund_id=asked.refund_id, status=str(status))
        except CommerceError as error:
            logger.warning("refund postponed", message_id=record["messageId"], reason=error.reason)
            failed.append({"itemIdentifier": record["messageId"]})
        except Exception:  # noqa: BLE001 — one message must not take the rest of its batch down
            logger.exception("refund failed", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
