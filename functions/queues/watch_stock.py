"""Queue: products whose stock, or an alert on it, changed

Merchants are told once when stock falls below an alert's line, and what is to be reordered is drafted. What is there
now decides, so one look serves all messages about a product, and one that arrives late or twice changes nothing. A
message that fails comes back alone and ends in the dead-letter queue after six tries.
"""

from typing import Any

from commerce.inventory import watching
from commerce.inventory.queue import product_in
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    asked: dict[tuple[Tenant, str], list[str]] = {}
    failed: list[str] = []
    for record in event["Records"]:
        try:
            asked.setdefault(product_in(record["body"]), []).append(record["messageId"])
        except Exception:  # noqa: BLE001 — one message must not take the rest of its batch down
            logger.exception("message not read", message_id=record["messageId"])
            failed.append(record["messageId"])
    told: list[str] = []
    products = list(asked)
    for index, product in enumerate(products):
        try:
            told += map(str, watching.watch(*product))
        except Unavailable:
            # Each further try would wait for the same silence; the rest of the batch waits in the queue instead.
            failed += [message for each in products[index:] for message in asked[each]]
            break
        except Exception:  # noqa: BLE001 — one product must not take the rest of the batch down
            logger.exception("stock not watched", product_id=product[1])
            failed += asked[product]
    logger.info("stock watched", products=len(products), told=told, failed=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
