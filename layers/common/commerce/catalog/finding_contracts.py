"""What a list of products is asked for, on the wire (contract PD-01)."""

from typing import Annotated, Literal

from pydantic import Field

from commerce.catalog.contracts import Slug
from commerce.catalog.finding import FindProducts
from commerce.catalog.model import ProductStatus
from commerce.http.pages import PageQuery
from commerce.kernel.criteria import Criteria, Filter, Operator, Sort

_SORTS = "-?(created_at|updated_at|name|price|category|status)"


class ProductsQuery(PageQuery):
    status: ProductStatus | None = None
    category: Annotated[Slug, Field(description="Category slug")] | None = None
    search: Annotated[str, Field(min_length=2, max_length=100, description="Words of the name, or a SKU")] | None = None
    sort: (
        Annotated[
            str,
            Field(
                pattern=rf"^{_SORTS}(,{_SORTS}){{0,2}}$",
                description="created_at, updated_at, name or price; before it category or status, - descends",
                examples=["-price"],
            ),
        ]
        | None
    ) = None
    order: Literal["asc", "desc"] | None = None

    def to_command(self, criteria: Criteria) -> FindProducts:
        """Both sort grammars are read; an explicit ``order`` wins. Without either, newest first."""
        given = {"status": self.status, "category": self.category}
        filters = [Filter(name, Operator.EQ, (str(value),)) for name, value in given.items() if value is not None]
        sorts = criteria.sorts
        if self.order is not None:
            *heads, last = sorts or (Sort("created_at", descending=True),)
            sorts = (*heads, Sort(last.field, self.order == "desc"))
        return FindProducts(
            self.page_request(), Criteria((*criteria.filters, *filters), criteria.metadata, sorts), self.search
        )
