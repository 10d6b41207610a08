"""The audit log on the wire (contract AL-01)."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from commerce.audit.model import Entry, ResourceType
from commerce.audit.queries import FindEntries
from commerce.http.contracts import Id, Instant, Output, Query
from commerce.http.dates import Bound
from commerce.http.pages import Limit
from commerce.kernel import ids
from commerce.kernel.paging import DEFAULT_LIMIT, Page, PageRequest
from commerce.kernel.periods import Bounds

_Value = Annotated[
    Any, WithJsonSchema({"description": "As the resource's own answers show it; `***` for what the log does not hold"})
]


class AuditQuery(Query):
    actor: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=128,
                description="Id of a user, an API key or a customer; with its role, or without",
                examples=["api_key:key_0192f0c1", "key_0192f0c1"],
            ),
        ]
        | None
    ) = None
    action: (
        Annotated[
            str,
            Field(
                max_length=80,
                pattern=r"^[a-z_]+(\.[a-z_]+)?$",
                description="A verb, or a type of resource and a verb",
                examples=["updated", "product.updated"],
            ),
        ]
        | None
    ) = None
    resource: Annotated[ResourceType, Field(description="Type of resource")] | None = None
    resource_id: Annotated[Id, AfterValidator(ids.canonical_order_id)] | None = None
    date_from: Annotated[Bound | None, Field(description="A day in the shop's time zone, or an instant")] = None
    date_to: Annotated[Bound | None, Field(description="Inclusive, like date_from")] = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=1024, description="From next_cursor")] | None = None

    def to_command(self) -> FindEntries:
        return FindEntries(
            page=PageRequest.of_page(None, self.limit, self.cursor),
            actor=self.actor,
            action=self.action,
            type=self.resource,
            resource_id=self.resource_id,
            dates=Bounds(self.date_from, self.date_to),
        )


class ChangeOut(Output):
    """Null where there was, or is, no value."""

    old: _Value
    new: _Value


class LogOut(Output):
    """``details`` name what else the change is about: of an inventory entry, the variant and the warehouse."""

    id: str
    timestamp: Instant
    actor: str
    action: str
    resource_id: str
    changes: dict[str, ChangeOut]
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    details: dict[str, str]

    @classmethod
    def of(cls, entry: Entry) -> "LogOut":
        return cls(
            id=entry.log_id,
            timestamp=entry.at,
            actor=entry.actor,
            action=entry.action,
            resource_id=entry.resource_id,
            changes={name: ChangeOut(**asdict(change)) for name, change in entry.changes.items()},
            ip_address=entry.address,
            user_agent=entry.agent,
            request_id=entry.request_id,
            details=dict(entry.details),
        )


class CursorOut(Output):
    next_cursor: str | None
    has_more: bool


class LogsOut(Output):
    logs: list[LogOut]
    pagination: CursorOut

    @classmethod
    def of(cls, page: Page[Entry]) -> "LogsOut":
        return cls(
            logs=[LogOut.of(entry) for entry in page.items],
            pagination=CursorOut(next_cursor=page.next_cursor, has_more=page.has_more),
        )
