"""Health on the wire (contract HM-01)."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from commerce.health.model import VERSION, Health, Part, State
from commerce.http.contracts import Output

Percent = Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [99.99]})]


class ServicesOut(Output):
    """``unknown``: not checked for 15 minutes. ``cache`` is always ``not_used``: Till has none."""

    database: State
    cache: State
    queue: State
    storage: State


class HealthOut(Output):
    """``healthy`` when every service in use is operational, or none was checked yet. Without a database it is 503."""

    status: Annotated[Literal["healthy", "degraded"], Field(examples=["healthy"])]
    version: Annotated[str, Field(examples=[VERSION])]
    uptime: Annotated[Percent | None, Field(description="Percent of the last 30 days' checks that found all well")]
    services: ServicesOut

    @classmethod
    def of(cls, health: Health) -> "HealthOut":
        return cls(
            status="healthy" if health.healthy else "degraded",
            version=VERSION,
            uptime=health.uptime,
            services=ServicesOut(
                database=health.parts[Part.DATABASE],
                cache=health.parts[Part.CACHE],
                queue=health.parts[Part.QUEUE],
                storage=health.parts[Part.STORAGE],
            ),
        )
