"""Products on the wire (contract PD-01…05)."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from commerce.catalog.model import MAX_CATEGORIES, MAX_VARIANTS, ProductStatus, WhenOutOfStock
from commerce.catalog.use_cases import ChangeProduct, ChangeVariant, CreateProduct, NewVariant, Stocked
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Id, Input, Instant, Major, Metadata, Output, Text, changes_something
from commerce.http.dates import Day, DayOut
from commerce.kernel.errors import Invalid
from commerce.kernel.locale import ANY, LANGUAGES, Locale
from commerce.kernel.money import Money

Sku = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9._\-]{1,64}$")]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")]
Url = Annotated[str, StringConstraints(strict=True, max_length=2048, pattern=r"^https?://[^\s\x00-\x20\x7f-\xa0]+$")]
Units = Annotated[int, Field(strict=True, ge=0, le=10**9)]


def _by_language(written: Any) -> Any:
    return written if isinstance(written, dict) else {LANGUAGES[0]: written}


def _localised(schema: dict[str, Any]) -> WithJsonSchema:
    by_language = {"type": "object", "minProperties": 1, "additionalProperties": False}
    by_language["properties"] = dict.fromkeys(LANGUAGES, schema)
    return WithJsonSchema({"oneOf": [schema | {"description": "A text"}, by_language | {"description": "By language"}]})


Language = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(LANGUAGES)})$")]
Name = Annotated[
    dict[Language, Text],
    Field(min_length=1),
    BeforeValidator(_by_language),
    _localised({"type": "string", "minLength": 1, "maxLength": 255, "examples": ["Premium Wireless Headphones"]}),
]
Description = Annotated[
    dict[Language, Annotated[str, Field(strict=True, max_length=10_000)]],
    Field(min_length=1),
    BeforeValidator(_by_language),
    _localised({"type": "string", "maxLength": 10_000}),
]


Waiting = Annotated[
    WhenOutOfStock,
    Field(description="Whether more may be ordered than there is; such units wait for stock and are served in turn"),
]
Expected = Annotated[
    Day, Field(description="The day on which units that are waited for should be there; a preorder needs it")
]


class VariantIn(Input):
    sku: Sku
    price: AmountIn | None = None
    inventory: Annotated[Units, Field(description="Units received at the shop's first warehouse")] | None = None
    attributes: Annotated[dict[str, Text], Field(max_length=20, examples=[{"size": "Large", "color": "Blue"}])] = {}
    image: Url | None = None


class ProductIn(Input):
    name: Name
    price: AmountIn
    sku: Annotated[Sku, Field(examples=["HEADPHONE-001"])]
    description: Description = {LANGUAGES[0]: ""}
    status: ProductStatus = ProductStatus.ACTIVE
    categories: Annotated[list[Slug], Field(max_length=MAX_CATEGORIES, examples=[["electronics", "audio"]])] = []
    variants: Annotated[list[VariantIn], Field(max_length=MAX_VARIANTS)] = []
    images: Annotated[list[Url], Field(max_length=50)] = []
    metadata: Metadata = {}
    when_out_of_stock: Waiting = WhenOutOfStock.DENY
    expected_on: Expected | None = None

    def to_command(self, currency: str) -> CreateProduct:
        return CreateProduct(
            names=self.name,
            sku=self.sku,
            price=money(self.price, currency, field="price"),
            descriptions=self.description,
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
            when_out_of_stock=self.when_out_of_stock,
            expected_on=self.expected_on,
        )


def _refuse_null(value: Any) -> Any:
    if value is None:
        raise ValueError("Leave the field out to leave it as it is")
    return value


def _says_not_null(schema: dict[str, Any], *names: str) -> None:
    for name in names:
        field = schema["properties"][name]
        field["anyOf"] = [kind for kind in field["anyOf"] if kind != {"type": "null"}]


def _says_variant(schema: dict[str, Any]) -> None:
    _says_not_null(schema, "sku", "attributes")


def _says_product(schema: dict[str, Any]) -> None:
    _says_not_null(schema, *(schema["properties"].keys() - {"expected_on"}))
    changes_something(schema)


class VariantChangeIn(Input):
    """A variant with ``id``, or one with a SKU that the product has already, is changed in what is given."""

    model_config = ConfigDict(json_schema_extra=_says_variant)

    id: Id | None = None
    sku: Sku | None = None
    price: AmountIn | None = None
    inventory: Annotated[Units, Field(description="Only of a new variant: units received at the first warehouse")] | (
        None
    ) = None
    attributes: Annotated[dict[str, Text], Field(max_length=20, examples=[{"size": "Large", "color": "Blue"}])] | (
        None
    ) = None
    image: Url | None = None

    _not_null = field_validator("sku", "attributes", mode="before")(_refuse_null)

    def to_command(self, currency: str, index: int) -> ChangeVariant:
        changes = self.model_dump(include=self.model_fields_set & {"sku", "attributes", "image"})
        if "price" in self.model_fields_set:
            amount = self.price
            changes["price"] = None if amount is None else money(amount, currency, field=f"variants.{index}.price")
        return ChangeVariant(self.id, changes, self.inventory)


class ProductChangeIn(Input):
    """What is left out stays as it is. ``variants``, ``categories``, ``images`` and ``metadata`` are given whole.

    ``expected_on`` null takes the date away; units that wait already keep theirs.
    """

    model_config = ConfigDict(json_schema_extra=_says_product)

    name: Name | None = None
    price: AmountIn | None = None
    sku: Sku | None = None
    description: Description | None = None
    status: ProductStatus | None = None
    categories: Annotated[list[Slug], Field(max_length=MAX_CATEGORIES)] | None = None
    variants: Annotated[list[VariantChangeIn], Field(max_length=MAX_VARIANTS)] | None = None
    images: Annotated[list[Url], Field(max_length=50)] | None = None
    metadata: Metadata | None = None
    when_out_of_stock: Waiting | None = None
    expected_on: Expected | None = None
    version: Annotated[int, Field(strict=True, ge=1, description="As If-Match: what the change is based on")] | None = (
        None
    )

    _not_null = field_validator(
        *("name", "price", "sku", "description", "status", "categories", "variants", "images", "metadata", "version"),
        "when_out_of_stock",
        mode="before",
    )(_refuse_null)

    @model_validator(mode="after")
    def _says_something(self) -> "ProductChangeIn":
        if not self.model_fields_set - {"version"}:
            raise PydanticCustomError("missing", "Give a field to change")
        return self

    def to_command(self, currency: str) -> ChangeProduct:
        changes: dict[str, Any] = {
            "names": self.name,
            "descriptions": self.description,
            "price": None if self.price is None else money(self.price, currency, field="price"),
            "sku": self.sku,
            "status": self.status,
            "categories": None if self.categories is None else tuple(dict.fromkeys(self.categories)),
            "images": None if self.images is None else tuple(self.images),
            "metadata": self.metadata,
            "when_out_of_stock": self.when_out_of_stock,
        }
        date_given = {"expected_on": self.expected_on} if "expected_on" in self.model_fields_set else {}
        return ChangeProduct(
            changes={name: value for name, value in changes.items() if value is not None} | date_given,
            variants=None
            if self.variants is None
            else tuple(each.to_command(currency, index) for index, each in enumerate(self.variants)),
            version=self.version,
        )


class PriceOut(Output):
    """A price where ``X-Currency`` asks for one: integer minor units (contract X-01)."""

    amount: int
    currency: str


class VariantOut(Output):
    """``inventory`` is what is available over all warehouses; null in lists, which do not read stock."""

    id: str
    sku: str
    price: Major | PriceOut | None
    inventory: int | None
    attributes: dict[str, str]
    image: str | None


class ProductOut(Output):
    """Texts are by language if ``Accept-Language`` names one of ours, prices are objects if ``X-Currency`` is sent."""

    id: str
    name: str | dict[str, str]
    description: str | dict[str, str]
    price: Major | PriceOut
    currency: str
    sku: str
    status: ProductStatus
    categories: list[str]
    variants: list[VariantOut]
    images: list[str]
    metadata: dict[str, str]
    when_out_of_stock: WhenOutOfStock
    expected_on: DayOut | None
    matched_variant_id: str | None
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, stocked: Stocked, locale: Locale = ANY) -> "ProductOut":
        """A product as a reader wants to see it.

        Raises:
            Invalid: in another currency than the shop's; there are no exchange rates.
        """
        product = stocked.product
        return cls(
            id=product.product_id,
            name=product.name if locale.language is None else dict(product.names),
            description=product.description if locale.language is None else dict(product.descriptions),
            price=_price(product.price, locale),
            currency=product.price.currency,
            sku=product.sku,
            status=product.status,
            categories=list(product.categories),
            variants=[
                VariantOut(
                    id=variant.variant_id,
                    sku=variant.sku,
                    price=None if variant.price is None else _price(variant.price, locale),
                    inventory=stocked.available(variant.variant_id),
                    attributes=variant.attributes,
                    image=variant.image,
                )
                for variant in product.sellable
            ],
            images=list(product.images),
            metadata=product.metadata,
            when_out_of_stock=product.when_out_of_stock,
            expected_on=None if product.expected_on is None else product.expected_on.isoformat(),
            matched_variant_id=stocked.matched_variant_id,
            version=product.version,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


def _price(price: Money, locale: Locale) -> Decimal | PriceOut:
    if locale.currency is None:
        return price.major
    if locale.currency != price.currency:
        raise Invalid(
            f"There is no exchange rate from {price.currency} to {locale.currency}",
            field="X-Currency",
            reason="no_exchange_rate",
        )
    return PriceOut(amount=price.minor, currency=price.currency)
