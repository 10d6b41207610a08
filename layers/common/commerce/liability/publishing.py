"""The last task of closing a day: prove it, and only then show it (contract GC-23, section 6.3).

Needs the documents layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from heapq import merge

from commerce.kernel.caller import Tenant
from commerce.kernel.uploads import Upload
from commerce.liability import csv_rows, files, manifest, report, store
from commerce.liability.model import (
    CHARTED_DAYS,
    DayExport,
    Difference,
    Line,
    PartResult,
    differences,
    lines,
    merged,
    summed,
)
from commerce.observability import count_event, logger
from commerce.table.transaction import run

UNRECONCILED = "UnreconciledLiability"  # the metric that the alarm watches


class Outcome(StrEnum):
    PUBLISHED = "published"
    UNRECONCILED = "unreconciled"  # books and balances differ, or the day was closed with other figures


@dataclass(frozen=True, slots=True)
class Published:
    outcome: Outcome
    message: str = ""


def publish(tenant: Tenant, day: date, parts: Sequence[PartResult]) -> Published:
    """Close the day, if what was booked is what is on the cards and lots; else nothing is visible, and an alarm rings.

    A day that is closed already is exported again: the same bytes, or an alarm.
    """
    before = store.find(tenant, day - timedelta(days=1))
    found = lines(before.closing if before else {}, merged(each.movements or {} for each in parts))
    wrong = differences(found, summed(each.balances or {} for each in parts))
    if wrong:
        return _alarm(tenant, day, wrong)
    with Upload(files.key(tenant, day, files.CSV), files.TYPES[files.CSV]) as upload:
        export = _written(tenant, day, found, parts, upload)
        closed = store.find(tenant, day)
        if closed not in (None, export):
            return _alarm(tenant, day, [], "closed before with other figures")
        upload.complete()
    earlier = store.span(tenant, day - timedelta(days=1), CHARTED_DAYS - 1)
    page = report.page(tenant, export, earlier)
    files.put(files.key(tenant, day, files.JSON), manifest.encoded(tenant, export), files.TYPES[files.JSON])
    files.put(files.key(tenant, day, files.HTML), page, files.TYPES[files.HTML])
    if closed is None:
        run(lambda tx: store.add(tx, tenant, export))
    logger.info("day closed", tenant=tenant.tenant_id, mode=str(tenant.mode), day=str(day), entries=export.entries)
    return Published(Outcome.PUBLISHED)


def _written(
    tenant: Tenant, day: date, found: tuple[Line, ...], parts: Sequence[PartResult], upload: Upload
) -> DayExport:
    """Merge the parts' files, in order of time; not visible yet."""
    first = last = None
    count = 0
    upload.write(csv_rows.header())
    for line in merge(*(files.lines(each.key, each.size) for each in parts if each.key)):
        upload.write(line)
        first, last = first or line, line
        count += 1
    if count != sum(each.entries for each in parts):
        raise ValueError(f"{count} entries are in the parts of {day}, which counted others")
    return DayExport(
        day=day,
        timezone=tenant.timezone,
        lines=found,
        entries=count,
        first_entry=csv_rows.entry_id(first) if first else None,
        last_entry=csv_rows.entry_id(last) if last else None,
        sha256=upload.sha256,
        size=upload.size,
    )


def _alarm(tenant: Tenant, day: date, wrong: Sequence[Difference], what: str = "") -> Published:
    message = f"{day}: {what or '; '.join(map(str, wrong))}"
    count_event(UNRECONCILED)
    logger.error("liability does not reconcile", tenant=tenant.tenant_id, mode=str(tenant.mode), difference=message)
    return Published(Outcome.UNRECONCILED, message)
