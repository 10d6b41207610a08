"""GET /v2/health

Anybody asks whether the platform is well.

A schedule checks database, queue and storage every five minutes. A degraded platform still answers 200; 503 means that
the database cannot be read.
"""

from commerce.health import use_cases
from commerce.health.contracts import HealthOut
from commerce.http.api import PUBLIC_SCOPE, V2PublicApi

app = V2PublicApi()


@app.get("/v2/health", scope=PUBLIC_SCOPE, tenant_header=False)
def get_health() -> HealthOut:
    return HealthOut.of(use_cases.current())


handler = app.handler
