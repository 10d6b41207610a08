"""What a product is. One without variants has one implicit variant (contract X-26), so stock always has a home."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money

MAX_VARIANTS = 70
MAX_CATEGORIES = 5
MAX_TERMS = 12


class ProductStatus(StrEnum):
    ACTIVE = "active"
    DRAFT = "draft"
    ARCHIVED = "archived"


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
    """``sku`` is unique per tenant across products and variants."""

    product_id: str
    sku: str
    name: str
    description: str
    price: Money
    status: ProductStatus
    categories: tuple[str, ...]
    variants: tuple[Variant, ...]
    images: tuple[str, ...]
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    version: int = 1

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

    def price_of(self, variant: Variant) -> Money:
        return variant.price or self.price

    def require_for_sale(self) -> None:
        """Raise Conflict unless the product is active."""
        if self.status is not ProductStatus.ACTIVE:
            raise Conflict(f"{self.name} is not for sale", field="product_id", reason="not_for_sale")

    @property
    def skus(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.sku, *(variant.sku for variant in self.variants)]))

    @property
    def terms(self) -> tuple[str, ...]:
        """The words a search finds this product by: of its name, and its SKU."""
        return tuple(dict.fromkeys([*words(self.name), *words(self.sku), self.sku.casefold()]))[:MAX_TERMS]

    @property
    def facets(self) -> tuple[str, ...]:
        """The lists this product stands in: ``<category or *>:<status or listed>`` (contract X-34)."""
        states = [str(self.status)] if self.status is ProductStatus.ARCHIVED else [str(self.status), LISTED]
        return tuple(facet(category, state) for category in ("*", *self.categories) for state in states)


LISTED = "listed"  # active and draft together: what a list shows when no status is asked for


def facet(category: str | None, status: str | None) -> str:
    """The list for these filters."""
    return f"{category or '*'}:{status or LISTED}"


def words(text: str) -> list[str]:
    """Words of at least two characters, case-folded."""
    return [word for word in re.split(r"\W+", text.casefold()) if len(word) > 1]
