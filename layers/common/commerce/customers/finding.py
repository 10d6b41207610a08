"""Finding customers: by e-mail address, name, metadata, tags, time of registration and filters (contract CU-01)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from commerce.counters import store as counters
from commerce.customers import store
from commerce.customers.model import ListedCustomer, facet, words
from commerce.kernel.caller import Tenant
from commerce.kernel.conditions import Condition, Field, Kind, Span
from commerce.kernel.criteria import Criteria, Filter, Operator, Sort, metadata_name
from commerce.kernel.errors import Invalid, Malformed
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import Bounds, Period
from commerce.kernel.planning import Resource, conditions_of

_ROUNDS = 8  # how often a narrowed page goes on reading to fill up

CUSTOMERS = Resource(
    name=store.COLLECTION,
    fields=(
        Field("email", Kind.TEXT, lambda customer: (customer.email.casefold(),)),
        Field("first_name", Kind.TEXT, lambda customer: (customer.first_name.casefold(),)),
        Field("last_name", Kind.TEXT, lambda customer: (customer.last_name.casefold(),)),
        Field("phone", Kind.CODE, lambda customer: () if customer.phone is None else (customer.phone,)),
        Field("tags", Kind.CODE, lambda customer: customer.tags),
        Field("created_at", Kind.INSTANT, lambda customer: (customer.created_at,)),
        Field("updated_at", Kind.INSTANT, lambda customer: (customer.updated_at,)),
    ),
    families=(),
    default=Sort("created_at", descending=True),
)


@dataclass(frozen=True, slots=True)
class FindCustomers:
    """Filters of a customer list (contract CU-01); a customer in it meets all of them."""

    page: PageRequest
    email: str | None = None
    name: str | None = None
    registered: Bounds = field(default_factory=Bounds)
    tags: tuple[str, ...] = ()
    criteria: Criteria = field(default_factory=Criteria)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is looked for. ``text`` is equal for equal questions only; ``conditions`` narrow what the rest finds."""

    text: str
    page: PageRequest
    email: str | None
    name: tuple[str, ...]
    tags: tuple[str, ...]
    within: Period
    metadata: tuple[tuple[str, str], ...]
    conditions: tuple[Condition, ...]

    def is_met_by(self, customer: ListedCustomer) -> bool:
        named = all(any(own.startswith(word) for own in customer.terms) for word in self.name)
        return (
            named
            and set(self.tags) <= set(customer.tags)
            and self.within.holds(customer.created_at)
            and all(condition.is_met_by(customer) for condition in self.conditions)
        )

    def require_uncounted(self) -> None:
        """Raise Malformed for a page by its number: nothing counts what is narrowed down."""
        if self.page.offset:
            raise Malformed(
                "These filters are not counted by one index; follow next_cursor instead of page",
                field="page",
                reason="not_indexed",
            )


def find(tenant: Tenant, wanted: FindCustomers, timezone: str | None = None) -> Page[ListedCustomer]:
    """A page of customers, newest first, or by name where a name is asked for.

    One filter finds through its index: the e-mail address, else the name, else a pair of metadata, else the rarest tag,
    else the time of registration. The others narrow what it finds. A narrowed page goes on reading for a while to fill
    up and can still come out shorter than ``limit`` with more to follow.

    Args:
        timezone: in which a date is a day; the tenant's when None.

    Raises:
        Malformed: a page number together with filters that narrow; filters of which none finds.
        Invalid: a name without a letter, or a period that ends before it begins.
    """
    question = _read(wanted, timezone or tenant.timezone)
    if question.email is not None:
        return _with_email(tenant, question, question.email)
    if question.name:
        return _named(tenant, question)
    if question.metadata:
        return _with_metadata(tenant, question, _indexed(tenant, question.metadata))
    return _listed(tenant, question)


def _read(wanted: FindCustomers, timezone: str) -> _Question:
    """The question with what ``filter[…]`` and the documented parameters ask for put together."""
    criteria, name = wanted.criteria, words(wanted.name or "")
    if wanted.name is not None and not name:
        raise Invalid("name needs a letter or a digit", field="name", reason="name_too_short")
    conditions = conditions_of(criteria, CUSTOMERS, timezone)
    within = _within(wanted.registered.period(timezone), [each.span for each in conditions if _is_period(each)])
    question = _Question(
        text=f"{wanted.email}&{wanted.name}&{wanted.registered}&{wanted.tags}&{criteria}&{timezone}",
        page=wanted.page,
        email=wanted.email or next(iter(_equal(criteria.filters, "email")), None),
        name=tuple(name),
        tags=tuple(dict.fromkeys([*wanted.tags, *_equal(criteria.filters, "tags")])),
        within=within,
        metadata=criteria.metadata,
        conditions=tuple(each for each in conditions if not _is_period(each) and not _is_tag(each)),
    )
    finds = question.email or question.name or question.metadata or question.tags or question.within != Period()
    if criteria.filters and not finds:
        first = criteria.filters[0]
        raise Malformed(
            "This only narrows what another filter finds: name, metadata[key], email or tags (eq), or a range of "
            "created_at",
            field=f"filter[{first.field}][{first.operator}]",
            reason="not_indexed",
        )
    return question


def _is_period(condition: Condition) -> bool:
    return condition.field.name == "created_at" and condition.span is not None


def _is_tag(condition: Condition) -> bool:
    return condition.field.name == "tags" and condition.operator is Operator.EQ


def _within(asked: Period, spans: Sequence[Span | None]) -> Period:
    """The period that is in all of them."""
    starts = [asked.start, *(span.start for span in spans if span is not None)]
    ends = [asked.end, *(span.end for span in spans if span is not None)]
    start = max((each for each in starts if each is not None), default=None)
    end = min((each for each in ends if each is not None), default=None)
    if start is not None and end is not None and end <= start:
        raise Invalid("No instant is in all of these periods", field="created_at", reason="empty_period")
    return Period(start, end)


def _equal(filters: Sequence[Filter], name: str) -> list[str]:
    return [each.values[0] for each in filters if each.field == name and each.operator is Operator.EQ]


def _indexed(tenant: Tenant, pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """A pair of metadata that every customer with it is listed under."""
    counts = counters.read(tenant, store.UNINDEXED)
    listed = [pair for pair in pairs if counts.get(metadata_name(pair[0]), 0) <= 0]
    if not listed:
        raise Malformed(
            "Some customers have this key beyond the first ten in order of their text, which lists are kept by",
            field=f"metadata[{pairs[0][0]}]",
            reason="not_indexed",
        )
    return listed[0]


def _listed(tenant: Tenant, question: _Question) -> Page[ListedCustomer]:
    tag = _rarest(tenant, question.tags)
    total = None
    if len(question.tags) > 1 or question.conditions:
        question.require_uncounted()
    elif question.page.cursor is None:
        within = question.within
        total = _count(tenant, tag) if within == Period() else store.count_within(tenant, tag, within)
    return store.page_of(
        tenant,
        question.page,
        question=question.text,
        tag=tag,
        within=question.within,
        shows=question.is_met_by,
        total=total,
    )


def _named(tenant: Tenant, question: _Question) -> Page[ListedCustomer]:
    """The longest word finds by prefix; a customer is shown once, at the first word of theirs that it finds."""
    prefix = max(question.name, key=len)

    def first(word: str, customer: ListedCustomer) -> bool:
        return word == min((own for own in customer.terms if own.startswith(prefix)), default=None)

    def read(request: PageRequest) -> Page[ListedCustomer]:
        found = store.page_named(tenant, request, question=question.text, word=prefix)
        return found.over(tuple(customer for word, customer in found.items if first(word, customer)))

    return _narrowed(question, read)


def _with_metadata(tenant: Tenant, question: _Question, pair: tuple[str, str]) -> Page[ListedCustomer]:
    def read(request: PageRequest) -> Page[ListedCustomer]:
        found = store.page_with_metadata(
            tenant, request, question=f"{pair}&{question.text}", pair=pair, within=question.within
        )
        customers = store.find_all(tenant, found.items)
        return found.over(tuple(customers[each] for each in found.items if each in customers))

    return _narrowed(question, read)


def _with_email(tenant: Tenant, question: _Question, email: str) -> Page[ListedCustomer]:
    customer_id = store.find_email(tenant, email)
    found = None if customer_id is None or question.page.offset else store.find(tenant, customer_id)
    matching = (found,) if found is not None and question.is_met_by(found) else ()
    return Page(items=matching, request=question.page, total=len(matching))


def _narrowed(question: _Question, read: Callable[[PageRequest], Page[ListedCustomer]]) -> Page[ListedCustomer]:
    question.require_uncounted()
    kept: list[ListedCustomer] = []
    cursor, limit = question.page.cursor, question.page.limit
    for _ in range(_ROUNDS):
        # What is still missing is the most that may be read, so that the cursor stands right after the last row shown.
        page = read(PageRequest(limit=limit - len(kept), cursor=cursor))
        kept += [customer for customer in page.items if question.is_met_by(customer)]
        cursor = page.next_cursor
        if cursor is None or len(kept) == limit:
            break
    return Page(items=tuple(kept), request=question.page, next_cursor=cursor)


def _rarest(tenant: Tenant, tags: tuple[str, ...]) -> str | None:
    """The tag whose list is the shortest to go through."""
    return tags[0] if len(tags) == 1 else min(tags, key=lambda tag: _count(tenant, tag), default=None)


def _count(tenant: Tenant, tag: str | None) -> int:
    return counters.read(tenant, store.collection(facet(tag))).get("all", 0)
