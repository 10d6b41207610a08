"""Step Functions, first task of gift_card_batch

What of a batch of gift cards is still to be issued.
"""

from typing import Any

from commerce.gift_cards import batch_jobs
from commerce.kernel.caller import Mode, Tenant
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    tenant = Tenant(tenant_id=event["tenant"], mode=Mode(event["mode"]))
    chunks = batch_jobs.missing(tenant, event["batch_id"])
    logger.info("batch planned", batch_id=event["batch_id"], chunks=len(chunks))
    return {**event, "chunks": chunks}
