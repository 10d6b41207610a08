"""GET /v2/jobs/{id}

A merchant asks how far a job is, and gets a link to its file once it is done.

Besides the route's scope this takes the one that reads what the job is about.
"""

from commerce.http.api import Caller, V2Api
from commerce.jobs import queries
from commerce.jobs.contracts import JobOut

app = V2Api()


@app.get("/v2/jobs/{id}", scope="jobs:read")
def get_job(caller: Caller, id: str) -> JobOut:
    return JobOut.of(caller.tenant, queries.get_readable(caller, id))


handler = app.handler
