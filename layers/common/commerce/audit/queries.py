"""Reading the audit log."""

from dataclasses import dataclass, field

from commerce.audit import store
from commerce.audit.model import Entry, ResourceType, principal_id
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import Bounds

_ROUNDS = 8  # how often a narrowed page goes on reading to fill up


@dataclass(frozen=True, slots=True)
class FindEntries:
    """Filters of the log (contract AL-01); an entry in the answer meets all of them.

    ``actor`` is a principal with its role or without; ``action`` a verb, or a type of resource and a verb.
    """

    page: PageRequest
    actor: str | None = None
    action: str | None = None
    type: ResourceType | None = None
    resource_id: str | None = None
    dates: Bounds = field(default_factory=Bounds)


def find(tenant: Tenant, wanted: FindEntries) -> Page[Entry]:
    """A page of the log, newest first.

    One filter finds through its list, with the dates; the others narrow what it finds. A narrowed page goes on reading
    for a while to fill up and can still come out shorter than ``limit`` with more to follow.

    Raises:
        Invalid: the dates end before they begin.
    """
    within, now = wanted.dates.period(tenant.timezone), clock.now()
    asked = (wanted.actor, wanted.action, wanted.type, wanted.resource_id, wanted.dates.start, wanted.dates.end)
    kept: list[Entry] = []
    cursor = wanted.page.cursor
    for _ in range(_ROUNDS):
        # What is still missing is the most that may be read, so that the cursor stands right after the last row shown.
        request = PageRequest(limit=wanted.page.limit - len(kept), cursor=cursor)
        page = store.page_of(tenant, request, _facet(wanted), within, "|".join(str(each) for each in asked))
        # Rows are removed some time after they expire.
        kept += [entry for entry in page.items if entry.expires_at > now and _matches(entry, wanted)]
        cursor = page.next_cursor
        if cursor is None or len(kept) == wanted.page.limit:
            break
    return Page(items=tuple(kept), request=wanted.page, next_cursor=cursor)


def _facet(wanted: FindEntries) -> str:
    """The list that is likely to be the shortest."""
    if wanted.resource_id is not None:
        return store.of_resource(wanted.resource_id)
    if wanted.actor is not None:
        return store.of_actor(wanted.actor)
    if wanted.action is not None:
        return store.of_action(wanted.action) if "." in wanted.action else store.of_verb(wanted.action)
    return store.ALL if wanted.type is None else store.of_type(wanted.type)


def _matches(entry: Entry, wanted: FindEntries) -> bool:
    return (
        wanted.actor in (None, entry.actor, principal_id(entry.actor))
        and wanted.action in (None, entry.action, entry.verb)
        and wanted.type in (None, entry.type)
        and wanted.resource_id in (None, entry.resource_id)
    )
