"""What a product is. One without variants has one implicit variant (contract X-26), so stock always has a home."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import chain

from commerce.kernel.criteria import indexed_metadata, metadata_facet
from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.locale import LANGUAGES
from commerce.kernel.money import Money

MAX_VARIANTS = 70
MAX_CATEGORIES = 5
MAX_TERMS = 12


class ProductStatus(StrEnum):
    ACTIVE = "active"
    DRAFT = "draft"
    ARCHIVED = "archived"


class WhenOutOfStock(StrEnum):
    """What becomes of an order for units that are not there: it is refused, or they wait for stock."""

    DENY = "deny"
    BACKORDER = "backorder"
    PREORDER = "preorder"


@dataclass(frozen=True, slots=True)
class Variant:
    """One sellable thing: size L, blue. ``price`` overrides the product's."""

    variant_id: str
    sku: str
    price: Money | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """``sku`` is unique per tenant across products and variants; names and descriptions stand by language.

    ``expected_on`` is the local day on which units that are waited for should be there; a preorder has one. What
    ``could_wait`` was to be had that way before it was stored last, so somebody may wait for it still.
    """

    product_id: str
    sku: str
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    price: Money
    status: ProductStatus
    categories: tuple[str, ...]
    variants: tuple[Variant, ...]
    images: tuple[str, ...]
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    version: int = 1
    when_out_of_stock: WhenOutOfStock = WhenOutOfStock.DENY
    expected_on: date | None = None
    could_wait: bool = False

    @property
    def implicit_variant(self) -> Variant:
        """The variant of a product that names none; its id follows from the product's."""
        return Variant(variant_id=self.product_id.replace("prod_", "var_", 1), sku=self.sku)

    @property
    def sellable(self) -> tuple[Variant, ...]:
        return self.variants or (self.implicit_variant,)

    def variant(self, variant_id: str | None) -> Variant:
        """The variant asked for; the only one when none is named.

        Raises:
            Invalid: no such variant, or several and none named.
        """
        if variant_id is None:
            if len(self.sellable) == 1:
                return self.sellable[0]
            raise Invalid(f"{self.name} has variants; name one", field="variant_id", reason="variant_required")
        for variant in self.sellable:
            if variant.variant_id == variant_id:
                return variant
        raise Invalid("This product has no such variant", field="variant_id", reason="unknown_variant")

    @property
    def name(self) -> str:
        return plain(self.names)

    @property
    def description(self) -> str:
        return plain(self.descriptions)

    def price_of(self, variant: Variant) -> Money:
        return variant.price or self.price

    def require_for_sale(self) -> None:
        """Raise Conflict unless the product is active."""
        if self.status is not ProductStatus.ACTIVE:
            raise Conflict(f"{self.name} is not for sale", field="product_id", reason="not_for_sale")

    @property
    def may_wait(self) -> bool:
        """Whether units that are not there may be ordered."""
        return self.when_out_of_stock is not WhenOutOfStock.DENY

    def expected_from(self, today: date) -> date | None:
        """When units that are waited for from today on should be there; None where that is over, or nobody knows."""
        return self.expected_on if self.expected_on is not None and today <= self.expected_on else None

    def require_promise(self) -> None:
        """Raise Invalid for a preorder that does not say when it is expected."""
        if self.when_out_of_stock is WhenOutOfStock.PREORDER and self.expected_on is None:
            raise Invalid("A preorder says when it is expected", field="expected_on", reason="expected_date_required")

    @property
    def terms(self) -> tuple[str, ...]:
        """The words a search finds this product by: its SKU, and those of its name in every language."""
        names = chain.from_iterable(words(text) for text in (self.name, *self.names.values()))
        return tuple(dict.fromkeys([self.sku.casefold(), *words(self.sku), *names]))[:MAX_TERMS]

    @property
    def facets(self) -> tuple[str, ...]:
        """The lists this product stands in by category and status (contract X-34)."""
        states = [str(self.status)] if self.status is ProductStatus.ARCHIVED else [str(self.status), LISTED]
        return tuple(facet(category, state) for category in ("*", *self.categories) for state in states)

    @property
    def metadata_facets(self) -> tuple[str, ...]:
        """The lists this product stands in by its metadata: one for each pair that is indexed."""
        state = str(self.status) if self.status is ProductStatus.ARCHIVED else LISTED
        return tuple(facet(metadata_facet(*pair), state) for pair in indexed_metadata(self.metadata))

    @property
    def skus(self) -> dict[str, str | None]:
        """Which variant each SKU names; None for the product's own."""
        return {self.sku: None} | {variant.sku: variant.variant_id for variant in self.variants}


LISTED = "listed"  # active and draft together: what a list shows when no status is asked for


def facet(value: str | None, status: str | None) -> str:
    """The list for a category, or for a pair of metadata, and a status: ``<value or *>:<status or listed>``."""
    return f"{value or '*'}:{status or LISTED}"


def plain(texts: Mapping[str, str]) -> str:
    """A text where no language is asked for: in the first of our languages that it has (contract X-52)."""
    return next(texts[language] for language in LANGUAGES if language in texts)


def words(text: str) -> list[str]:
    """Words of at least two characters, case-folded."""
    return [word for word in re.split(r"\W+", text.casefold()) if len(word) > 1]
