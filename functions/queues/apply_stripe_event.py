"""Queue: Stripe events

A queued Stripe event is applied to its order, in one transaction; duplicates and any order end alike. A message that
fails comes back alone and ends in the dead-letter queue after six tries.
"""

from typing import Any

from commerce.kernel.cause import Cause
from commerce.kernel.errors import CommerceError
from commerce.observability import logger
from commerce.payments import queue, store, use_cases
from commerce.table.transaction import run


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        try:
            apply(queue.event_id_of(record["body"]))
        except CommerceError as error:
            logger.warning("stripe event postponed", message_id=record["messageId"], reason=error.reason)
            failed.append({"itemIdentifier": record["messageId"]})
        except Exception:  # noqa: BLE001 — one message must not take the rest of its batch down
            logger.exception("stripe event failed", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    logger.info("stripe events applied", records=len(event["Records"]), failed=len(failed))
    return {"batchItemFailures": failed}


def apply(event_id: str) -> None:
    delivered = store.find_event(event_id)
    if delivered is not None:
        run(lambda tx: use_cases.apply(tx, delivered), Cause("system:stripe"))
