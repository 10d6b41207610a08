"""What a list of customers is asked for, on the wire (contract CU-01)."""

from typing import Annotated

from pydantic import Field

from commerce.customers.contracts import TAG
from commerce.customers.finding import FindCustomers
from commerce.http.dates import Bound
from commerce.http.pages import PageQuery
from commerce.kernel.criteria import Criteria
from commerce.kernel.periods import Bounds


class CustomersQuery(PageQuery):
    email: Annotated[str, Field(min_length=3, max_length=254, description="Exact, in any case")] | None = None
    name: Annotated[str, Field(min_length=1, max_length=100, description="Beginnings of words of the name")] | None = (
        None
    )
    created_from: Annotated[
        Bound | None, Field(description="A day in X-Timezone, else the shop's time zone, or an instant")
    ] = None
    created_to: Annotated[Bound | None, Field(description="Inclusive, like created_from")] = None
    tags: (
        Annotated[
            str,
            Field(
                pattern=rf"^{TAG}(,{TAG}){{0,9}}$",
                description="Up to ten tags with commas between them; a customer carries all of them",
                examples=["vip,newsletter"],
            ),
        ]
        | None
    ) = None

    def to_command(self, criteria: Criteria) -> FindCustomers:
        return FindCustomers(
            page=self.page_request(),
            email=self.email,
            name=self.name,
            registered=Bounds(self.created_from, self.created_to, ("created_from", "created_to")),
            tags=tuple(dict.fromkeys(self.tags.split(","))) if self.tags else (),
            criteria=criteria,
        )
