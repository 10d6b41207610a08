"""The wire models of the liability export (contract GC-23)."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from commerce.http.contracts import Instant, Major, Output
from commerce.kernel.caller import Tenant
from commerce.kernel.downloads import links_expire_at
from commerce.kernel.errors import NotFound
from commerce.liability import files, manifest
from commerce.liability.model import DayExport

_Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-03-20"]})]


def day_in(path: str) -> date:
    """The day that a path names.

    Raises:
        NotFound: it names none.
    """
    try:
        day = date.fromisoformat(path)
    except ValueError:
        raise NotFound("liability export") from None
    if day.isoformat() != path:  # 20260320 is a date too, and no name of ours
        raise NotFound("liability export")
    return day


class LiabilityMovementOut(Output):
    type: str
    entries: int
    amount: Major = Field(description="What the entries of this type did to the liability; negative: it shrank")


class LiabilityFundingOut(Output):
    funding: str
    opening: Major
    movements: list[LiabilityMovementOut]
    closing: Major


class LiabilityOut(Output):
    book: str = Field(description="`gift_card` or `store_credit`")
    currency: str
    opening: Major
    movements: list[LiabilityMovementOut]
    closing: Major
    by_funding: list[LiabilityFundingOut]


class ExportedFileOut(Output):
    name: str
    bytes: int
    sha256: str


class LiabilityExportRowOut(Output):
    """A closed day: what the shop owed in stored value before and after it. Amounts are decimal major units."""

    tenant: str
    mode: str
    date: _Day
    timezone: str
    starts_at: Instant
    ends_at: Instant
    hours: float = Field(description="23, 24 or 25, as the clocks went")
    entries: int
    first_entry: str | None
    last_entry: str | None
    file: ExportedFileOut
    liabilities: list[LiabilityOut]

    @classmethod
    def of(cls, tenant: Tenant, export: DayExport) -> "LiabilityExportRowOut":
        return cls(**_shown(tenant, export))


class DownloadsOut(Output):
    csv: str = Field(description="The day's ledger entries of stored value")
    json_: str = Field(serialization_alias="json", description="The manifest")
    html: str = Field(description="The report for people")
    expires_at: Instant


class LiabilityExportOut(LiabilityExportRowOut):
    downloads: DownloadsOut

    @classmethod
    def of(cls, tenant: Tenant, export: DayExport) -> "LiabilityExportOut":
        links = files.links(tenant, export.day)
        downloads = DownloadsOut(
            csv=links[files.CSV], json_=links[files.JSON], html=links[files.HTML], expires_at=links_expire_at()
        )
        return cls(**_shown(tenant, export), downloads=downloads)


class LiabilityExportStarted(Output):
    """The export is under way; ask for the day again in a minute."""

    date: _Day
    status: str = Field(examples=["started"])


def _shown(tenant: Tenant, export: DayExport) -> dict[str, Any]:
    return manifest.document(tenant, export) | {"starts_at": export.starts_at, "ends_at": export.ends_at}
