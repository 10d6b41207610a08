"""Entries of the audit log in the table (patterns W1, W2).

An entry is two rows that are only ever added: one in its resource's list, whose indexes list the tenant's whole log, an
actor's entries and those of a type of resource; and a copy in its verb's list, whose index lists its whole action. Each
filter of the log is then one query. Both rows have keys that follow from the stream record: once there, they stay.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PutError

from commerce.audit.model import (
    MAX_AGENT,
    RESOURCES,
    Change,
    Entry,
    Image,
    ResourceType,
    changes_between,
    expiry,
    principal_id,
    shown_address,
    verb_of,
)
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import Unavailable
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import Period
from commerce.kernel.wire_json import loads
from commerce.observability import redact
from commerce.table import keys
from commerce.table.reading import in_period, page
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, connection
from commerce.table.transaction import code_of, is_temporary

_POSITION_DIGITS = 40  # the most that a stream's sequence number has


class AuditRow(Row, discriminator="audit"):
    log_id = UnicodeAttribute()
    at = InstantAttribute()
    position = UnicodeAttribute()
    actor = UnicodeAttribute()
    type = UnicodeAttribute()
    verb = UnicodeAttribute()
    resource_id = UnicodeAttribute()
    changes = DocumentAttribute()
    details = DocumentAttribute()
    address = UnicodeAttribute(null=True)
    agent = UnicodeAttribute(null=True)
    request_id = UnicodeAttribute(null=True)

    def to_entry(self) -> Entry:
        return Entry(
            log_id=self.log_id,
            tenant=keys.tenant_of(self.pk),
            at=self.at,
            position=self.position,
            actor=self.actor,
            type=ResourceType(self.type),
            verb=self.verb,
            resource_id=self.resource_id,
            changes={name: Change(**change) for name, change in self.changes.items()},
            expires_at=datetime.fromtimestamp(int(self.ttl), UTC),
            details=self.details,
            address=self.address,
            agent=self.agent,
            request_id=self.request_id,
        )


def entry_in(record: Mapping[str, Any], plan_of: Callable[[str], str]) -> Entry | None:
    """Read a record of the table's stream: what the audit log says of it, or None where it says nothing.

    Args:
        plan_of: gives a tenant's plan by the tenant's id.

    Raises:
        Exception: of any kind, when the record is not one of ours.
    """
    stream = record["dynamodb"]
    before, after = _image(stream.get("OldImage")), _image(stream.get("NewImage"))
    if "cause" not in after:
        return None  # rows that are not audited, and rows whose time to live is over
    resource, cause = RESOURCES[after["kind"]], loads(after["cause"])
    verb = verb_of(resource, before, after)
    if verb is None:
        return None
    tenant = _tenant(stream["Keys"]["pk"]["S"], after)
    at = datetime.fromtimestamp(int(stream["ApproximateCreationDateTime"]), UTC)
    return Entry(
        log_id="log_" + str(record["eventID"]).replace("-", ""),
        tenant=tenant,
        at=at,
        position=str(stream["SequenceNumber"]).rjust(_POSITION_DIGITS, "0"),
        actor=cause["actor"],
        type=resource.type,
        verb=verb,
        resource_id=after[resource.identity],
        changes=changes_between(resource, before, after),
        expires_at=expiry(at, plan_of(tenant.tenant_id)),
        details={name: str(after[name]) for name in resource.details if name in after},
        address=shown_address(cause["actor"], cause["address"]),
        agent=redact(cause["agent"])[:MAX_AGENT] or None,
        request_id=cause["request_id"] or None,
    )


def write(entry: Entry) -> None:
    """Add an entry; what is there already stays as it is (W1).

    Raises:
        Unavailable: the table is throttled or away.
    """
    for row in _rows(entry):
        try:
            row.save(condition=Row.pk.does_not_exist())
        except PutError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                continue
            if is_temporary(error):
                raise Unavailable from error
            raise


def plan_of(tenant_id: str) -> str:
    """The plan that a tenant has now, empty for none (A1)."""
    item = connection().get_item(*keys.tenant_row(tenant_id)).get("Item", {})
    return str(item.get("plan", {}).get("S", ""))


# Facets name the lists of a log: the rows' own, and those of their indexes.


def of_resource(resource_id: str) -> str:
    return f"ID#{resource_id}"


def of_actor(actor: str) -> str:
    return f"ACTOR#{principal_id(actor)}"


def of_type(type_: str) -> str:
    return f"TYPE#{type_}"


def of_verb(verb: str) -> str:
    return f"VERB#{verb}"


def of_action(action: str) -> str:
    return f"ACTION#{action}"


ALL = "ALL"
_INDEXES = {"ALL": "gsi1", "ACTOR": "gsi2", "TYPE": "gsi3", "ACTION": "gsi1"}


def page_of(tenant: Tenant, request: PageRequest, facet: str, within: Period, query_name: str) -> Page[Entry]:
    """A page of one list of the log, newest first (W2)."""
    index = _INDEXES.get(facet.partition("#")[0])
    return page(
        tenant,
        request,
        _to_entry,
        pk=keys.audit(tenant, facet),
        index=index,
        query_name=f"audit:{query_name}",
        condition=in_period(within, index),
    )


def _rows(entry: Entry) -> tuple[AuditRow, AuditRow]:
    tenant = entry.tenant
    sk = keys.by_time(entry.at, f"{entry.position}#{entry.log_id}")
    copy = _row(entry, keys.Key(keys.audit(tenant, of_verb(entry.verb)), sk))
    copy.gsi1pk, copy.gsi1sk = keys.audit(tenant, of_action(entry.action)), sk
    row = _row(entry, keys.Key(keys.audit(tenant, of_resource(entry.resource_id)), sk))
    row.gsi1pk, row.gsi1sk = keys.audit(tenant, ALL), sk
    row.gsi2pk, row.gsi2sk = keys.audit(tenant, of_actor(entry.actor)), sk
    row.gsi3pk, row.gsi3sk = keys.audit(tenant, of_type(entry.type)), sk
    return copy, row


def _row(entry: Entry, key: keys.Key) -> AuditRow:
    return AuditRow(
        *key,
        log_id=entry.log_id,
        at=entry.at,
        position=entry.position,
        actor=entry.actor,
        type=str(entry.type),
        verb=entry.verb,
        resource_id=entry.resource_id,
        changes={name: asdict(change) for name, change in entry.changes.items()},
        details=dict(entry.details),
        address=entry.address,
        agent=entry.agent,
        request_id=entry.request_id,
        ttl=int(entry.expires_at.timestamp()),
    )


def _tenant(pk: str, image: Image) -> Tenant:
    """Whose log tells of a row: a credential stands in that of its own mode, what has no mode in the live one."""
    tenant_id, mode = keys.shop_of(pk)
    return Tenant(tenant_id=image.get("tenant_id", tenant_id), mode=mode or Mode(image.get("mode", Mode.LIVE)))


def _image(image: Mapping[str, Any] | None) -> Image:
    """Attributes without DynamoDB's type tags; what is null is left out."""
    found = {}
    for name, tagged in (image or {}).items():
        [(tag, value)] = tagged.items()
        if tag != "NULL":
            found[name] = int(value) if tag == "N" else value
    return found


def _to_entry(row: Row) -> Entry:
    assert isinstance(row, AuditRow)
    return row.to_entry()
