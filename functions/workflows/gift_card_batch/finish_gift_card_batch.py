"""Step Functions, last task of gift_card_batch

A batch of gift cards is issued: all of its cards are there.
"""

from typing import Any

from commerce.gift_cards import batch_jobs
from commerce.kernel.caller import Mode, Tenant
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    tenant = Tenant(tenant_id=event["tenant"], mode=Mode(event["mode"]))
    batch = batch_jobs.finish(tenant, event["batch_id"])
    logger.info("batch issued", batch_id=batch.batch_id, cards=batch.issued)
    return {"batch_id": batch.batch_id, "cards": batch.issued}
