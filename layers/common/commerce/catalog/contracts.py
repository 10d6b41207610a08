"""Products on the wire (contract PD-01…03)."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from commerce.catalog.model import MAX_CATEGORIES, MAX_VARIANTS, ProductStatus
from commerce.catalog.use_cases import CreateProduct, FindProducts, NewVariant, Stocked
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Input, Instant, Major, Metadata, Output, Text
from commerce.http.pages import PageQuery

Sku = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9._\-]{1,64}$")]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")]
Url = Annotated[str, StringConstraints(strict=True, max_length=2048, pattern=r"^https?://\S+$")]
Units = Annotated[int, Field(strict=True, ge=0, le=10**9)]
SORT_FIELDS = ("created_at", "updated_at", "name", "price")


class VariantIn(Input):
    sku: Sku
    price: AmountIn | None = None
    inventory: Annotated[Units, Field(description="Units received at the shop's first warehouse")] | None = None
    attributes: Annotated[dict[str, Text], Field(max_length=20, examples=[{"size": "Large", "color": "Blue"}])] = {}
    image: Url | None = None


class ProductIn(Input):
    name: Annotated[Text, Field(examples=["Premium Wireless Headphones"])]
    price: AmountIn
    sku: Annotated[Sku, Field(examples=["HEADPHONE-001"])]
    description: Annotated[str, Field(strict=True, max_length=10_000)] = ""
    status: ProductStatus = ProductStatus.ACTIVE
    categories: Annotated[list[Slug], Field(max_length=MAX_CATEGORIES, examples=[["electronics", "audio"]])] = []
    variants: Annotated[list[VariantIn], Field(max_length=MAX_VARIANTS)] = []
    images: Annotated[list[Url], Field(max_length=50)] = []
    metadata: Metadata = {}

    def to_command(self, currency: str) -> CreateProduct:
        return CreateProduct(
            name=self.name,
            sku=self.sku,
            price=money(self.price, currency, field="price"),
            description=self.description,
            status=self.status,
            categories=tuple(self.categories),
            variants=tuple(
                NewVariant(
                    sku=each.sku,
                    price=None if each.price is None else money(each.price, currency, field=f"variants.{index}.price"),
                    inventory=each.inventory,
                    attributes=each.attributes,
                    image=each.image,
                )
                for index, each in enumerate(self.variants)
            ),
            images=tuple(self.images),
            metadata=self.metadata,
        )


class VariantOut(Output):
    """``inventory`` is what is available over all warehouses; null in lists, which do not read stock."""

    id: str
    sku: str
    price: Major | None
    inventory: int | None
    attributes: dict[str, str]
    image: str | None


class ProductOut(Output):
    id: str
    name: str
    description: str
    price: Major
    currency: str
    sku: str
    status: ProductStatus
    categories: list[str]
    variants: list[VariantOut]
    images: list[str]
    metadata: dict[str, str]
    matched_variant_id: str | None
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, stocked: Stocked) -> "ProductOut":
        product = stocked.product
        return cls(
            id=product.product_id,
            name=product.name,
            description=product.description,
            price=product.price.major,
            currency=product.price.currency,
            sku=product.sku,
            status=product.status,
            categories=list(product.categories),
            variants=[
                VariantOut(
                    id=variant.variant_id,
                    sku=variant.sku,
                    price=None if variant.price is None else Decimal(variant.price.major),
                    inventory=stocked.available(variant.variant_id),
                    attributes=variant.attributes,
                    image=variant.image,
                )
                for variant in product.sellable
            ],
            images=list(product.images),
            metadata=product.metadata,
            matched_variant_id=stocked.matched_variant_id,
            version=product.version,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


class ProductsQuery(PageQuery):
    status: ProductStatus | None = None
    category: Annotated[Slug, Field(description="Category slug")] | None = None
    search: Annotated[str, Field(min_length=2, max_length=100, description="Words of the name, or a SKU")] | None = None
    sort: Annotated[
        str,
        Field(
            pattern=rf"^-?({'|'.join(SORT_FIELDS)})$", description="created_at, updated_at, name or price; - descends"
        ),
    ] = "created_at"
    order: Literal["asc", "desc"] | None = None

    def to_command(self) -> FindProducts:
        """Both sort grammars are read; an explicit ``order`` wins. Without either, newest first."""
        named = self.sort.removeprefix("-")
        asked = "sort" in self.model_fields_set and not self.sort.startswith("-")
        return FindProducts(
            page=self.page_request(),
            status=self.status,
            category=self.category,
            search=self.search,
            sort=named,
            ascending=asked if self.order is None else self.order == "asc",
        )
