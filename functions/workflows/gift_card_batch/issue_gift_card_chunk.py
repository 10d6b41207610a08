"""Step Functions, for each chunk of gift_card_batch

Some gift cards of a batch are issued, in one transaction.
"""

from typing import Any

from commerce.access.queries import find_tenant
from commerce.gift_cards import batch_jobs
from commerce.kernel.caller import Mode
from commerce.kernel.errors import NotFound
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> None:
    tenant = find_tenant(event["tenant"], Mode(event["mode"]))
    if tenant is None:
        raise NotFound("tenant")
    batch_jobs.issue_chunk(tenant, event["batch_id"], event["chunk"])
    logger.info("chunk issued", batch_id=event["batch_id"], chunk=event["chunk"])
