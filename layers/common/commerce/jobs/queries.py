"""Reading jobs."""

from commerce.jobs import store
from commerce.jobs.model import Job
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import NotFound


def get(tenant: Tenant, job_id: str) -> Job:
    """One job.

    Raises:
        NotFound: no such job of this tenant.
    """
    job = store.find(tenant, job_id)
    if job is None:
        raise NotFound("job")
    return job


def get_readable(caller: Caller, job_id: str) -> Job:
    """One job whose result the caller may read (contract JB-01).

    Raises:
        NotFound: no such job of this tenant.
        Forbidden: it is about something that the credential may not read.
    """
    job = get(caller.tenant, job_id)
    caller.require(job.type.scope)
    return job


def get_export(caller: Caller, export_id: str) -> Job:
    """One export whose file the caller may read (contract BU-04).

    Raises:
        NotFound: no such export of this tenant.
        Forbidden: it is of something that the credential may not read.
    """
    job = get_readable(caller, export_id)
    if not job.type.is_export:
        raise NotFound("job")
    return job
