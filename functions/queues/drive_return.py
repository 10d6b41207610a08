"""Queue: returns that moved, and refunds that were settled

The workflow of a return starts, or goes on from where it waits. What arrives late or twice changes nothing; a message
that fails comes back alone and ends in the dead-letter queue after six tries.
"""

from typing import Any

from commerce.kernel.errors import Unavailable
from commerce.observability import logger
from commerce.returns import driving
from commerce.returns.queue import return_in


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    records = event["Records"]
    done: list[str] = []
    failed: list[dict[str, Any]] = []
    for index, record in enumerate(records):
        try:
            done.append(str(driving.drive(*return_in(record["body"]))))
        except Unavailable:
            # Each further try would wait for the same silence; the rest of the batch waits in the queue instead.
            failed += records[index:]
            break
        except Exception:  # noqa: BLE001 — one message must not take the rest of its batch down
            logger.exception("return not driven", message_id=record["messageId"])
            failed.append(record)
    logger.info("returns driven", done=done, failed=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
