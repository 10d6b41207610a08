"""Step Functions, again and again in bulk_job

A job is brought on by some of its rows; the last time, its file is written.
"""

from typing import Any

from commerce.access.queries import find_tenant
from commerce.jobs import running
from commerce.kernel.caller import Mode
from commerce.kernel.errors import NotFound
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    tenant = find_tenant(event["tenant"], Mode(event["mode"]))
    if tenant is None:
        raise NotFound("tenant")
    job = running.run_slice(tenant, event["job_id"])
    logger.info("slice done", job_id=job.job_id, status=str(job.status), rows=job.done)
    return {"status": str(job.status), "done": job.done}
