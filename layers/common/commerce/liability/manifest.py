"""A closed day as a document for programs: the manifest beside the CSV file, and what the API shows of it."""

from typing import Any

from commerce.kernel import wire_json
from commerce.kernel.caller import Tenant
from commerce.kernel.clock import rfc3339
from commerce.kernel.money import Money
from commerce.liability.files import CSV, name
from commerce.liability.model import DayExport, Line, Movement, Total, totals


def document(tenant: Tenant, export: DayExport) -> dict[str, Any]:
    """Amounts are decimal major units; the same day gives the same document, whenever it is asked for."""
    return {
        "tenant": tenant.tenant_id,
        "mode": str(tenant.mode),
        "date": export.day.isoformat(),
        "timezone": export.timezone,
        "starts_at": rfc3339(export.starts_at),
        "ends_at": rfc3339(export.ends_at),
        "hours": int(export.hours) if export.hours == int(export.hours) else export.hours,
        "entries": export.entries,
        "first_entry": export.first_entry,
        "last_entry": export.last_entry,
        "file": {"name": name(export.day, CSV), "bytes": export.size, "sha256": export.sha256},
        "liabilities": [_total(each) for each in totals(export.lines)],
    }


def encoded(tenant: Tenant, export: DayExport) -> bytes:
    """The manifest's file."""
    return wire_json.dumps(document(tenant, export)).encode() + b"\n"


def _total(total: Total) -> dict[str, Any]:
    return {
        "book": total.book,
        "currency": total.currency,
        **_amounts(total.currency, total),
        "by_funding": [
            {"funding": line.account.funding, **_amounts(total.currency, line)} for line in total.by_funding
        ],
    }


def _amounts(currency: str, own: Total | Line) -> dict[str, Any]:
    return {
        "opening": Money(own.opening, currency).major,
        "movements": [_movement(kind, each, currency) for kind, each in own.movements],
        "closing": Money(own.closing, currency).major,
    }


def _movement(kind: str, movement: Movement, currency: str) -> dict[str, Any]:
    return {"type": kind, "entries": movement.entries, "amount": Money(movement.amount, currency).major}
