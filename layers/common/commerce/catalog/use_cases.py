"""What the shop does with its catalogue."""

from dataclasses import dataclass, field
from decimal import Decimal

from commerce.catalog import store
from commerce.catalog.model import MAX_VARIANTS, Product, ProductStatus, Variant, facet, words
from commerce.counters import store as counters
from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.inventory import store as inventory
from commerce.inventory import use_cases as stock_keeping
from commerce.inventory.model import Stock, StockKey
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Invalid, Malformed, NotFound
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NewVariant:
    """``inventory`` units are received at the tenant's first warehouse."""

    sku: str
    price: Money | None = None
    inventory: int | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True, slots=True)
class CreateProduct:
    name: str
    sku: str
    price: Money
    description: str = ""
    status: ProductStatus = ProductStatus.ACTIVE
    categories: tuple[str, ...] = ()
    variants: tuple[NewVariant, ...] = ()
    images: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FindProducts:
    """Filters and order of a product list (contract PD-01)."""

    page: PageRequest
    status: ProductStatus | None = None
    category: str | None = None
    search: str | None = None
    sort: str = "created_at"
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class Stocked:
    """A product with its stock per variant; ``matched_variant_id`` when a variant's SKU found it."""

    product: Product
    stocks: tuple[Stock, ...] | None
    matched_variant_id: str | None = None

    def available(self, variant_id: str) -> int | None:
        """Units of a variant over all warehouses; None where stock was not read."""
        if self.stocks is None:
            return None
        return sum(stock.available for stock in self.stocks if stock.key.variant_id == variant_id)


def create(tx: Transaction, caller: Caller, command: CreateProduct) -> Stocked:
    """Add a product, its variants and their first stock in one transaction (contract PD-03).

    Raises:
        Conflict: a SKU is taken.
        Invalid: two variants share a SKU, or more variants than one transaction holds.
    """
    now, tenant = clock.now(), caller.tenant
    codes = [variant.sku for variant in command.variants]
    if len(set(codes)) < len(codes):
        raise Invalid("Two variants have the same SKU", field="variants", reason="duplicate_sku")
    if len(codes) > MAX_VARIANTS:
        raise Invalid(f"A product has at most {MAX_VARIANTS} variants", field="variants", reason="too_many_variants")
    variants = tuple(
        Variant(ids.new("var"), each.sku, each.price, each.attributes, each.image) for each in command.variants
    )
    product = Product(
        product_id=ids.new("prod"),
        sku=command.sku,
        name=command.name,
        description=command.description,
        price=command.price,
        status=command.status,
        categories=tuple(dict.fromkeys(command.categories)),
        variants=variants,
        images=command.images,
        metadata=command.metadata,
        created_at=now,
        updated_at=now,
    )
    store.add(tx, tenant, product)
    stocks = []
    for variant, new in zip(variants, command.variants, strict=True):
        if new.inventory:
            key = StockKey(product.product_id, variant.variant_id, stock_keeping.warehouse(tenant, None))
            stock_keeping.move(tx, caller, key, new.inventory, "restock", None, product.name)
            stocks.append(Stock(key, new.inventory, 0))
    events.announce(tx, _event("product.created", tenant, product))
    return Stocked(product, tuple(stocks))


def get(tenant: Tenant, id_or_sku: str) -> Stocked:
    """A product by its id, else by its SKU or a variant's (contract PD-02).

    Raises:
        NotFound: neither.
    """
    found = _by_id(tenant, id_or_sku)
    if found is not None:
        return found
    sku = store.find_sku(tenant, id_or_sku)
    found = None if sku is None else _by_id(tenant, sku.product_id, sku.variant_id)
    if found is None:
        raise NotFound("product")
    return found


def find(tenant: Tenant, wanted: FindProducts) -> Page[Stocked]:
    """A page of products (contract PD-01).

    Raises:
        Malformed: a search asks for an order or a filter that its index does not have.
    """
    if wanted.search is not None:
        return _search(tenant, wanted, wanted.search)
    status = None if wanted.status is None else str(wanted.status)
    name = facet(wanted.category, status)
    total = None
    if wanted.page.cursor is None:
        total = counters.read(tenant, f"{store.COLLECTION}:{name}").get("all", 0)
    page = store.page_of(
        tenant,
        wanted.page,
        category=wanted.category,
        status=status,
        sort=wanted.sort,
        ascending=wanted.ascending,
        total=total,
    )
    return page.over(tuple(Stocked(product, None) for product in page.items))


def _search(tenant: Tenant, wanted: FindProducts, text: str) -> Page[Stocked]:
    """The longest word finds by prefix through the index; the others, and the filters, narrow that page down."""
    terms = words(text)
    if not terms:
        raise Invalid("search needs a word of two characters or more", field="search", reason="search_too_short")
    if wanted.sort != "created_at" or wanted.ascending:
        raise Malformed("A search comes in its own order; leave sort and order out", field="sort", reason="not_indexed")
    longest = max(terms, key=len)
    page = store.page_matching(tenant, wanted.page, longest)
    products = store.find_all(tenant, page.items)
    matching = [
        products[product_id]
        for product_id in dict.fromkeys(page.items)
        if product_id in products and _matches(products[product_id], wanted, terms)
    ]
    return page.over(tuple(Stocked(product, None) for product in matching))


def _matches(product: Product, wanted: FindProducts, terms: list[str]) -> bool:
    in_list = facet(wanted.category, None if wanted.status is None else str(wanted.status)) in product.facets
    return in_list and all(any(own.startswith(term) for own in product.terms) for term in terms)


def _by_id(tenant: Tenant, product_id: str, matched: str | None = None) -> Stocked | None:
    rows = store.rows_of(tenant, product_id)
    product = store.product_in(rows)
    return None if product is None else Stocked(product, tuple(inventory.stocks_in(rows)), matched)


def _event(event_type: str, tenant: Tenant, product: Product) -> DomainEvent:
    return DomainEvent(
        event_id=ids.new("evt"),
        type=event_type,
        aggregate_id=product.product_id,
        sequence=product.version,
        at=product.updated_at,
        tenant=tenant,
        data={
            "id": product.product_id,
            "sku": product.sku,
            "name": product.name,
            "price": Decimal(product.price.major),
            "status": str(product.status),
        },
    )
