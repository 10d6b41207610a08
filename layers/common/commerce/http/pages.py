"""Query parameters of lists (contract X-04)."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Query
from commerce.kernel.paging import DEFAULT_LIMIT, MAX_LIMIT, PageRequest

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description=f"Rows per page, at most {MAX_LIMIT}")]


class PageQuery(Query):
    """The page-numbered and cursor forms of v2 lists."""

    page: Annotated[int, Field(ge=1, description="Page number, from 1")] | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=1024, description="From next_cursor; not together with page")] | None = None

    def page_request(self) -> PageRequest:
        return PageRequest.of_page(self.page, self.limit, self.cursor)


class OffsetQuery(Query):
    """The offset form of admin and portal lists; ``cursor`` goes beyond what offsets reach."""

    limit: Limit = DEFAULT_LIMIT
    offset: Annotated[int, Field(ge=0, description="Rows to skip")] = 0
    cursor: Annotated[str, Field(max_length=1024, description="From next_cursor; not together with offset")] | None = (
        None
    )

    def page_request(self) -> PageRequest:
        return PageRequest.of_offset(self.offset, self.limit, self.cursor)
