"""Step Functions, last task of bulk_job where a slice failed too often

A job is given up, and whoever asked for it is told so.
"""

from typing import Any

from commerce.jobs import use_cases
from commerce.kernel.caller import Mode, Tenant
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    job = use_cases.give_up(Tenant(tenant_id=event["tenant"], mode=Mode(event["mode"])), event["job_id"])
    logger.error("job given up", job_id=job.job_id, status=str(job.status), error=event["error"]["Error"])
    return {"status": str(job.status)}
