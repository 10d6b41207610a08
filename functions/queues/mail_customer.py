"""Queue: mails to customers about their orders

Each notice is mailed once. A message that fails comes back alone and ends in the dead-letter queue after six tries;
none holds an address.
"""

from typing import Any

from commerce.kernel.errors import CommerceError, Unavailable
from commerce.mails.customer_mails import deliver
from commerce.mails.notices import notice_of
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    records = event["Records"]
    outcomes: list[str] = []
    failed: list[dict[str, Any]] = []
    for index, record in enumerate(records):
        try:
            outcomes.append(str(deliver(notice_of(record["body"]))))
        except Unavailable:
            # Each further try would wait for the same silence; the rest of the batch waits in the queue instead.
            failed += records[index:]
            break
        except CommerceError as error:
            logger.warning("customer not told", message_id=record["messageId"], reason=error.reason)
            failed.append(record)
        except Exception:  # noqa: BLE001 — one message must not take the rest of its batch down
            logger.exception("customer not told", message_id=record["messageId"])
            failed.append(record)
    logger.info("customers told", outcomes=outcomes, failed=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
