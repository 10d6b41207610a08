"""Queue: gift cards to deliver

A gift card's number and PIN are mailed to its recipient. A message that fails comes back alone and ends in the
dead-letter queue after six tries; none holds a PIN or an address.
"""

from typing import Any

from commerce.kernel.errors import CommerceError, Unavailable
from commerce.mails import use_cases
from commerce.mails.queue import delivery_of
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    records = event["Records"]
    outcomes: list[str] = []
    failed: list[dict[str, Any]] = []
    for index, record in enumerate(records):
        try:
            outcomes.append(str(use_cases.deliver_gift_card(delivery_of(record["body"])) or "superseded"))
        except Unavailable:
            # Each further try would wait for the same silence; the rest of the batch waits in the queue instead.
            failed += records[index:]
            break
        except CommerceError as error:
            logger.warning("gift card not delivered", message_id=record["messageId"], reason=error.reason)
            failed.append(record)
        except Exception:  # noqa: BLE001 — one message must not take the rest of its batch down
            logger.exception("gift card not delivered", message_id=record["messageId"])
            failed.append(record)
    logger.info("gift cards delivered", outcomes=outcomes, failed=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
