"""Products in the table.

A product row stands in its own partition (P1), beside its stock rows. A copy of it stands in each list that it belongs
to (P3), where the base key orders by creation and the three indexes by name, price and last change: any documented
filter with any documented order is one query. Word rows (P4) carry the search.
"""

from collections.abc import Iterable

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.catalog.model import Product, ProductStatus, Variant, facet
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Conflict
from commerce.kernel.money import Money, exponent
from commerce.kernel.paging import Page, PageRequest
from commerce.table import keys
from commerce.table.reading import get, get_all, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction

COLLECTION = "products"


class ProductRow(Row, discriminator="product"):
    product_id = UnicodeAttribute()
    sku = UnicodeAttribute()
    name = UnicodeAttribute()
    description = UnicodeAttribute()
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

    def to_product(self) -> Product:
        return Product(
            product_id=self.product_id,
            sku=self.sku,
            name=self.name,
            description=self.description,
            price=Money(int(self.price), self.currency),
            status=ProductStatus(self.status),
            categories=tuple(self.categories),
            variants=tuple(_variant(document, self.currency) for document in self.variants),
            images=tuple(self.images),
            metadata=self.metadata,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=int(self.version),
        )


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
    tx.add(_row(product, keys.product(tenant, product.product_id)))
    variant_of = {variant.sku: variant.variant_id for variant in product.variants}
    for code in product.skus:
        key = keys.sku(tenant, code)
        taken = Conflict(f"The SKU {code} is taken", field="sku", reason="duplicate_sku")
        tx.add(SkuRow(key.pk, key.sk, product_id=product.product_id, variant_id=variant_of.get(code)), taken)
    for name in product.facets:
        tx.put(_listed(tenant, product, name))
    for word in product.terms:
        tx.put(
            TermRow(keys.term(tenant, COLLECTION, word), f"{word}#{product.product_id}", product_id=product.product_id)
        )


def find(tenant: Tenant, product_id: str) -> Product | None:
    """One product (P1)."""
    row = get(keys.product(tenant, product_id))
    return row.to_product() if isinstance(row, ProductRow) else None


def find_all(tenant: Tenant, product_ids: Iterable[str]) -> dict[str, Product]:
    """Several products, one call for up to a hundred (P1)."""
    rows = get_all(keys.product(tenant, product_id) for product_id in product_ids)
    return {row.product_id: row.to_product() for row in rows.values() if isinstance(row, ProductRow)}


def find_sku(tenant: Tenant, code: str) -> SkuRow | None:
    """Which product and variant carry a SKU (P2)."""
    row = get(keys.sku(tenant, code))
    return row if isinstance(row, SkuRow) else None


def rows_of(tenant: Tenant, product_id: str) -> list[Row]:
    """The product's whole partition: its row and its stock rows, one query (P5)."""
    return partition(keys.product(tenant, product_id).pk)


SORTS: dict[str, str | None] = {"created_at": None, "name": "gsi1", "price": "gsi2", "updated_at": "gsi3"}


def page_of(
    tenant: Tenant,
    request: PageRequest,
    *,
    category: str | None,
    status: str | None,
    sort: str,
    ascending: bool,
    total: int | None,
) -> Page[Product]:
    """One page of a list, in any of the four orders (P3)."""
    name = facet(category, status)
    index = SORTS[sort]
    return page(
        tenant,
        request,
        _to_product,
        pk=keys.listing(tenant, COLLECTION, name),
        index=index,
        query_name=f"{COLLECTION}:{name}:{sort}:{ascending}",
        ascending=ascending,
        total=total,
    )


def page_matching(tenant: Tenant, request: PageRequest, word: str) -> Page[str]:
    """Ids of products that have a word beginning with ``word`` (P4); an id can stand there once per such word."""
    return page(
        tenant,
        request,
        _to_product_id,
        pk=keys.term(tenant, COLLECTION, word),
        index=None,
        query_name=f"{COLLECTION}:search:{word}",
        ascending=True,
        condition=TermRow.sk.startswith(word),
    )


def _to_product(row: Row) -> Product:
    assert isinstance(row, ProductRow)
    return row.to_product()


def _to_product_id(row: Row) -> str:
    assert isinstance(row, TermRow)
    return row.product_id


def _listed(tenant: Tenant, product: Product, name: str) -> ProductRow:
    pk = keys.listing(tenant, COLLECTION, name)
    row = _row(product, keys.Key(pk, keys.by_time(product.created_at, product.product_id)))
    row.gsi1pk, row.gsi1sk = pk, f"{product.name.casefold()}#{product.product_id}"
    # Padded to 18 digits in thousandths, so that text sorts as numbers do whatever the exponent is.
    thousandths = product.price.minor * 10 ** (3 - exponent(product.price.currency))
    row.gsi2pk, row.gsi2sk = pk, f"{thousandths:018d}#{product.product_id}"
    row.gsi3pk, row.gsi3sk = pk, keys.by_time(product.updated_at, product.product_id)
    row.counted_in = [f"{COLLECTION}:{name}|all"]
    return row


def _row(product: Product, key: keys.Key) -> ProductRow:
    return ProductRow(
        key.pk,
        key.sk,
        product_id=product.product_id,
        sku=product.sku,
        name=product.name,
        description=product.description,
        price=product.price.minor,
        currency=product.price.currency,
        status=str(product.status),
        categories=list(product.categories),
        variants=[_variant_document(variant) for variant in product.variants],
        images=list(product.images),
        metadata=product.metadata,
        created_at=product.created_at,
        updated_at=product.updated_at,
        version=product.version,
    )


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
