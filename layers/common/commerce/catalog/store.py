"""Products in the table.

A product row stands in its own partition (P1), beside its stock rows. A copy of it stands in each list that it belongs
to (P3), where the base key orders by creation and the three indexes by name, price and last change: any documented
filter with any documented order is one query. Word rows (P4) carry the search.
"""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.catalog.model import Product, ProductStatus, Variant, WhenOutOfStock, facet
from commerce.inventory.store import StockRow
from commerce.kernel.caller import Tenant
from commerce.kernel.criteria import metadata_facet, metadata_name, unindexed_metadata
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.table import keys
from commerce.table.reading import Source, get, get_all, merged, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction

if TYPE_CHECKING:  # at run time only lists need it
    from commerce.kernel.planning import Plan

COLLECTION = "products"
UNINDEXED = f"{COLLECTION}:unindexed"  # counts the products that have a key of metadata which no list knows


class ProductRow(Row, discriminator="product"):
    audited: ClassVar[str] = "product"

    product_id = UnicodeAttribute()
    sku = UnicodeAttribute()
    names = DocumentAttribute()  # by language
    descriptions = DocumentAttribute()
    price = NumberAttribute()  # minor units
    currency = UnicodeAttribute()
    status = UnicodeAttribute()
    categories = WordsAttribute()
    variants = DocumentAttribute()
    images = WordsAttribute()
    metadata = DocumentAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()
    when_out_of_stock = UnicodeAttribute(null=True)  # absent: denied, and always was
    expected_on = UnicodeAttribute(null=True)

    def to_product(self) -> Product:
        return Product(
            product_id=self.product_id,
            sku=self.sku,
            names=self.names,
            descriptions=self.descriptions,
            price=Money(int(self.price), self.currency),
            status=ProductStatus(self.status),
            categories=tuple(self.categories),
            variants=tuple(_variant(document, self.currency) for document in self.variants),
            images=tuple(self.images),
            metadata=self.metadata,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=int(self.version),
            when_out_of_stock=WhenOutOfStock(self.when_out_of_stock or WhenOutOfStock.DENY),
            expected_on=date.fromisoformat(self.expected_on) if self.expected_on else None,
            could_wait=self.when_out_of_stock is not None,
        )


class ListedProductRow(ProductRow, discriminator="listed_product"):
    """A copy of a product in a list."""

    audited: ClassVar[str] = ""


class SkuRow(Row, discriminator="sku"):
    """Makes a SKU unique, and finds its product."""

    product_id = UnicodeAttribute()
    variant_id = UnicodeAttribute(null=True)


class TermRow(Row, discriminator="term"):
    product_id = UnicodeAttribute()


def add(tx: Transaction, tenant: Tenant, product: Product) -> None:
    """Write a new product with its SKUs, list copies and words (P1–P4).

    Raises (at commit):
        Conflict: a SKU is taken.
    """
    tx.add(_row(product, tenant))
    for code, variant_id in product.skus.items():
        tx.add(_sku(tenant, code, product.product_id, variant_id), _taken(code))
    for row in _copies(tenant, product).values():
        tx.put(row)


def save(tx: Transaction, tenant: Tenant, before: Product, after: Product) -> None:
    """Write what ``before`` became, and move its SKUs, list copies and words along (P1–P4).

    Raises (at commit):
        Conflict: a SKU is taken.
        StaleWrite: somebody else wrote the product since ``before`` was read.
    """
    stale = StaleWrite("product")
    tx.put(_row(after, tenant), ProductRow.version == before.version, stale)
    _move_skus(tx, tenant, before, after)
    old, new = _copies(tenant, before), _copies(tenant, after)
    for key in old.keys() - new.keys():
        tx.delete(old[key])
    for key, row in new.items():
        if key not in old or isinstance(row, ListedProductRow):  # a word's row says nothing that could change
            tx.put(row)


def _move_skus(tx: Transaction, tenant: Tenant, before: Product, after: Product) -> None:
    owned, stale = SkuRow.product_id == after.product_id, StaleWrite("product")
    for code in before.skus.keys() - after.skus.keys():
        tx.delete(_sku(tenant, code, before.product_id, None), owned, stale)
    for code, variant_id in after.skus.items():
        row = _sku(tenant, code, after.product_id, variant_id)
        if code not in before.skus:
            tx.add(row, _taken(code))
        elif before.skus[code] != variant_id:
            tx.put(row, owned, stale)


def require_unchanged(tx: Transaction, tenant: Tenant, product: Product) -> None:
    """Demand that the product still has the variants that were read (P1).

    Raises (at commit):
        StaleWrite: somebody else wrote it since.
    """
    row = ProductRow(*keys.product(tenant, product.product_id))
    tx.check(row, ProductRow.version == product.version, StaleWrite("product"))


def require_unstocked(tx: Transaction, tenant: Tenant, product: Product, variant: Variant) -> None:
    """Demand that no warehouse has, or has set aside, any unit of a variant by the time of the commit (P6).

    Raises (at commit):
        StaleWrite: one has by now.
    """
    for warehouse_id in tenant.warehouses:
        row = StockRow(*keys.stock(tenant, product.product_id, variant.variant_id, warehouse_id))
        nothing = StockRow.pk.does_not_exist() | ((StockRow.available == 0) & (StockRow.reserved == 0))
        tx.check(row, nothing, StaleWrite("stock"))


def find(tenant: Tenant, product_id: str) -> Product | None:
    """One product (P1)."""
    row = get(keys.product(tenant, product_id))
    return row.to_product() if isinstance(row, ProductRow) else None


def find_all(tenant: Tenant, product_ids: Iterable[str]) -> dict[str, Product]:
    """Several products, one call for up to a hundred (P1)."""
    return products_in(get_all(keys.product(tenant, product_id) for product_id in product_ids).values())


def products_in(rows: Iterable[Row]) -> dict[str, Product]:
    """The products among rows."""
    return {row.product_id: row.to_product() for row in rows if isinstance(row, ProductRow)}


def find_sku(tenant: Tenant, code: str) -> SkuRow | None:
    """Which product and variant carry a SKU (P2)."""
    row = get(keys.sku(tenant, code))
    return row if isinstance(row, SkuRow) else None


def rows_of(tenant: Tenant, product_id: str) -> list[Row]:
    """The product's whole partition: its row and its stock rows, one query (P5)."""
    return partition(keys.product(tenant, product_id).pk)


# Families of lists, by what their first value is.
BY_METADATA, BY_CATEGORY, BY_STATUS = "metadata", "category", "status"


def list_name(family: str, values: tuple[Any, ...]) -> str:
    """The list of a family for its values; the last one is a status, or that of a list without a status."""
    *first, state = values
    if family == BY_METADATA:
        return facet(metadata_facet(*first[0]), state)
    return facet(first[0] if first else None, state)


def counted(name: str) -> str:
    """What the counters of a list are kept under."""
    return f"{COLLECTION}:{name}"


def page_of(tenant: Tenant, request: PageRequest, plan: "Plan", total: int | None) -> Page[Product]:
    """One page of the lists of a plan (P3)."""
    return merged(
        tenant,
        request,
        _to_product,
        sources=[
            Source(keys.listing(tenant, COLLECTION, list_name(plan.family.name, each.values)), each.rank, each)
            for each in plan.listings
        ],
        index=plan.index,
        query_name=plan.name,
        ascending=not plan.descending,
        lower=plan.lower,
        upper=plan.upper,
        shows=plan.shows,
        total=total,
    )


def page_matching(tenant: Tenant, request: PageRequest, word: str, query_name: str) -> Page[tuple[str, str]]:
    """Words beginning with ``word``, each with a product that has it, in alphabetical order (P4)."""
    return page(
        tenant,
        request,
        _to_word,
        pk=keys.term(tenant, COLLECTION, word),
        index=None,
        query_name=f"{COLLECTION}:search:{query_name}",
        ascending=True,
        condition=TermRow.sk.startswith(word),
    )


def _to_product(row: Row) -> Product:
    assert isinstance(row, ProductRow)
    return row.to_product()


def _to_word(row: Row) -> tuple[str, str]:
    assert isinstance(row, TermRow)
    return row.sk.split("#", 1)[0], row.product_id


def _taken(code: str) -> Conflict:
    return Conflict(f"The SKU {code} is taken", field="sku", reason="duplicate_sku")


def _sku(tenant: Tenant, code: str, product_id: str, variant_id: str | None) -> SkuRow:
    return SkuRow(*keys.sku(tenant, code), product_id=product_id, variant_id=variant_id)


def _copies(tenant: Tenant, product: Product) -> dict[keys.Key, Row]:
    """The rows that lists and searches find the product by (P3, P4)."""
    rows: list[Row] = [_listed(tenant, product, name, counts=True) for name in product.facets]
    rows += [_listed(tenant, product, name, counts=False) for name in product.metadata_facets]
    for word in product.terms:
        key = keys.Key(keys.term(tenant, COLLECTION, word), f"{word}#{product.product_id}")
        rows.append(TermRow(*key, product_id=product.product_id))
    return {keys.Key(row.pk, row.sk): row for row in rows}


def _listed(tenant: Tenant, product: Product, name: str, *, counts: bool) -> ListedProductRow:
    pk, product_id = keys.listing(tenant, COLLECTION, name), product.product_id
    return ListedProductRow(
        pk,
        keys.by_time(product.created_at, product_id),
        gsi1pk=pk,
        gsi1sk=keys.by_name(product.name, product_id),
        gsi2pk=pk,
        gsi2sk=keys.by_amount(product.price.thousandths, product_id),
        gsi3pk=pk,
        gsi3sk=keys.by_time(product.updated_at, product_id),
        counted_in=[f"{counted(name)}|all"] if counts else None,
        **_attributes(product),
    )


def _row(product: Product, tenant: Tenant) -> ProductRow:
    """The product's own row; it counts the metadata that no list knows, so that nobody asks for it in vain."""
    unindexed = [f"{UNINDEXED}|{metadata_name(key)}" for key in unindexed_metadata(product.metadata)]
    return ProductRow(*keys.product(tenant, product.product_id), counted_in=unindexed or None, **_attributes(product))


def _attributes(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.product_id,
        "sku": product.sku,
        "names": product.names,
        "descriptions": product.descriptions,
        "price": product.price.minor,
        "currency": product.price.currency,
        "status": str(product.status),
        "categories": list(product.categories),
        "variants": [_variant_document(variant) for variant in product.variants],
        "images": list(product.images),
        "metadata": product.metadata,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "version": product.version,
        "when_out_of_stock": str(product.when_out_of_stock) if product.may_wait or product.could_wait else None,
        "expected_on": product.expected_on.isoformat() if product.expected_on else None,
    }


def _variant_document(variant: Variant) -> dict[str, object]:
    return {
        "id": variant.variant_id,
        "sku": variant.sku,
        "price": None if variant.price is None else variant.price.minor,
        "attributes": variant.attributes,
        "image": variant.image,
    }


def _variant(document: dict[str, object], currency: str) -> Variant:
    price = document["price"]
    return Variant(
        variant_id=str(document["id"]),
        sku=str(document["sku"]),
        price=Money(price, currency) if isinstance(price, int) else None,
        attributes=dict(document["attributes"]),  # type: ignore[call-overload]
        image=document["image"],  # type: ignore[arg-type]
    )


def product_in(rows: Iterable[Row]) -> Product | None:
    """The product among the rows of its partition (P5)."""
    return next((row.to_product() for row in rows if isinstance(row, ProductRow)), None)
