"""Finding products: by filters and in order through the lists that are kept of them, or by words (contract PD-01)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from commerce.catalog import store
from commerce.catalog.model import LISTED, Product, ProductStatus, words
from commerce.counters import store as counters
from commerce.kernel.caller import Tenant
from commerce.kernel.conditions import Condition, Field, Kind
from commerce.kernel.criteria import Criteria, Sort, metadata_name
from commerce.kernel.errors import Invalid, Malformed
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.planning import METADATA, Family, Resource, conditions_of, plan

_ROUNDS = 8  # how often a search goes on reading to fill a page
_ORDERS = {"created_at": None, "name": "gsi1", "price": "gsi2", "updated_at": "gsi3"}
_ON_SALE = (str(ProductStatus.ACTIVE), str(ProductStatus.DRAFT))
_STATES = {str(status): frozenset({str(status)}) for status in ProductStatus} | {LISTED: frozenset(_ON_SALE)}

PRODUCTS = Resource(
    name=store.COLLECTION,
    fields=(
        Field("category", Kind.CODE, lambda product: product.categories),
        Field("status", Kind.CHOICE, lambda product: (str(product.status),), tuple(ProductStatus), assumed=_ON_SALE),
        Field("price", Kind.AMOUNT, lambda product: (product.price.thousandths,)),
        Field("name", Kind.TEXT, lambda product: (product.name.casefold(),)),
        Field("created_at", Kind.INSTANT, lambda product: (product.created_at,)),
        Field("updated_at", Kind.INSTANT, lambda product: (product.updated_at,)),
        Field("sku", Kind.CODE, lambda product: (product.sku,)),
    ),
    families=(
        Family(
            store.BY_METADATA,
            (METADATA, "status"),
            _ORDERS,
            {"status": {LISTED: _STATES[LISTED], str(ProductStatus.ARCHIVED): _STATES[str(ProductStatus.ARCHIVED)]}},
        ),
        Family(store.BY_CATEGORY, ("category", "status"), _ORDERS, {"status": _STATES}),
        Family(store.BY_STATUS, ("status",), _ORDERS, {"status": _STATES}),
    ),
    default=Sort("created_at", descending=True),
)


@dataclass(frozen=True, slots=True)
class FindProducts:
    """Filters, metadata and order of a product list, and words to search for instead of an order."""

    page: PageRequest
    criteria: Criteria
    search: str | None = None


def find(tenant: Tenant, wanted: FindProducts, timezone: str | None = None) -> Page[Product]:
    """A page of products (contract PD-01). A page that is narrowed down can come out short with more to follow.

    Args:
        timezone: in which a date is a day; the tenant's when None.

    Raises:
        Malformed: filters or an order that no list is kept by, a page number where nothing is counted.
        Invalid: a status that there is not, a search without a word.
    """
    if wanted.search is not None:
        return _search(tenant, wanted, wanted.search, timezone or tenant.timezone)
    chosen = plan(_indexed(tenant, wanted.criteria), PRODUCTS, timezone or tenant.timezone)
    chosen.require_countable(wanted.page)
    total = None
    if chosen.is_one_whole_list and wanted.page.cursor is None and chosen.family.name != store.BY_METADATA:
        name = store.list_name(chosen.family.name, chosen.listings[0].values)
        total = counters.read(tenant, store.counted(name)).get("all", 0)
    return store.page_of(tenant, wanted.page, chosen, total)


def _indexed(tenant: Tenant, criteria: Criteria) -> Criteria:
    """The criteria with a pair of metadata first that every product with it is listed under."""
    if not criteria.metadata:
        return criteria
    counts = counters.read(tenant, store.UNINDEXED)
    unlisted = [pair for pair in criteria.metadata if counts.get(metadata_name(pair[0]), 0) > 0]
    listed = [pair for pair in criteria.metadata if pair not in unlisted]
    if not listed:
        raise Malformed(
            "Some products have this key beyond the first ten in order of their text, which lists are kept by",
            field=f"metadata[{unlisted[0][0]}]",
            reason="not_indexed",
        )
    return replace(criteria, metadata=(*listed, *unlisted))


def _search(tenant: Tenant, wanted: FindProducts, text: str, timezone: str) -> Page[Product]:
    """The longest word finds by prefix through the index; the other words and the filters narrow down."""
    terms = words(text)
    if not terms:
        raise Invalid("search needs a word of two characters or more", field="search", reason="search_too_short")
    if wanted.criteria.sorts:
        raise Malformed("A search comes in its own order; leave sort and order out", field="sort", reason="not_indexed")
    if wanted.page.offset:
        raise Malformed("A search is not counted; follow next_cursor", field="page", reason="not_indexed")
    conditions = conditions_of(wanted.criteria, PRODUCTS, timezone)
    name, prefix = f"{text}?{wanted.criteria!r}@{timezone}", max(terms, key=len)
    kept: list[Product] = []
    cursor = wanted.page.cursor
    for _ in range(_ROUNDS):
        # What is still missing is the most that may be read, so that the cursor stands right after the last one shown.
        page = store.page_matching(tenant, PageRequest(wanted.page.limit - len(kept), cursor=cursor), prefix, name)
        products = store.find_all(tenant, [product_id for _, product_id in page.items])
        kept += [
            products[product_id]
            for word, product_id in page.items
            if product_id in products and word == _first(products[product_id], prefix)
            if _matches(products[product_id], terms, conditions)
        ]
        cursor = page.next_cursor
        if cursor is None or len(kept) == wanted.page.limit:
            break
    return Page(items=tuple(kept), request=wanted.page, next_cursor=cursor)


def _first(product: Product, prefix: str) -> str | None:
    """The word that a product is shown at, of those that find it."""
    return min((own for own in product.terms if own.startswith(prefix)), default=None)


def _matches(product: Product, terms: list[str], conditions: Sequence[Condition]) -> bool:
    return all(any(own.startswith(term) for own in product.terms) for term in terms) and all(
        condition.is_met_by(product) for condition in conditions
    )
