"""Bulk work on the wire (contract BU-01…05)."""

import csv
import re
from collections.abc import Sequence
from decimal import Decimal
from io import StringIO
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from commerce.bulk.changes import Document, RowResult
from commerce.catalog.contracts import Sku, Slug, Units
from commerce.catalog.model import ProductStatus
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Changes, Id, Input, Instant, Output, Query, Says, Text, changes_something
from commerce.inventory.contracts import Reason
from commerce.inventory.model import MAX_STOCK
from commerce.jobs import files
from commerce.jobs.model import MAX_AT_ONCE, MAX_ROWS, Format, Job, JobStatus
from commerce.kernel import clock
from commerce.kernel.caller import Tenant

_AT_ONCE = f"Up to {MAX_AT_ONCE} are done by the time of the answer, more by a job"
_NUMBERS = ("price", "stock")  # columns of an import
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")


def _not_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null", "Leave the field out to leave it as it is")
    return value


def _says_not_null(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field["anyOf"] = [kind for kind in field["anyOf"] if kind != {"type": "null"}]
    changes_something(schema)


class ProductUpdatesIn(Changes):
    """What all of the products are to have; these three fields and no others."""

    model_config = ConfigDict(json_schema_extra=_says_not_null)

    price: AmountIn | None = None
    status: ProductStatus | None = None
    category: Annotated[Slug, Field(description="The only category, in place of those before")] | None = None

    _given = field_validator("*", mode="before")(_not_null)


class UpdateProductsIn(Input):
    product_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_ROWS, description=_AT_ONCE)]
    updates: ProductUpdatesIn

    def to_rows(self, currency: str) -> list[Document]:
        updates = {name: str(value) for name, value in self.updates.sent.items() if name != "price"}
        if self.updates.price is not None:
            updates["price"] = money(self.updates.price, currency, field="updates.price").minor  # type: ignore[assignment]
        return [{"product_id": product_id, **updates} for product_id in self.product_ids]


class ImportRowIn(Input):
    """A product with this SKU is changed in what is given; where there is none, it is made."""

    name: Text
    sku: Annotated[Sku, Field(examples=["HEADPHONE-001"])]
    price: AmountIn
    status: ProductStatus | None = None
    category: Slug | None = None
    stock: Annotated[Units, Field(description="Counted units available at the shop's first warehouse")] | None = None


def _rows_of(text: Any) -> Any:
    """The rows of a CSV text; empty cells are left out."""
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "Must be a text")
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        rows = [_row_of(row, line) for line, row in enumerate(reader, start=2)]
    except csv.Error as error:
        raise _bad_csv(f"{error} (RFC 4180)") from None
    if not rows:
        raise _bad_csv("There must be a line of names and a line below it")
    return rows


def _row_of(cells: dict[str | Any, Any], line: int) -> ImportRowIn:
    given = {str(name): cell for name, cell in cells.items() if cell not in ("", None)}
    if None in cells:
        raise _bad_csv(f"Line {line} has more cells than there are names")
    try:
        return ImportRowIn.model_validate(
            {name: _number(cell) if name in _NUMBERS else cell for name, cell in given.items()}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise _bad_csv(f"Line {line}, {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _number(cell: str) -> Any:
    """As JSON would have it; what is no plain decimal stays a text, which no number's field takes."""
    if not _PLAIN_DECIMAL.fullmatch(cell):
        return cell
    return Decimal(cell) if "." in cell else int(cell)


def _bad_csv(problem: str) -> PydanticCustomError:
    return PydanticCustomError("bad_csv", "{problem}", {"problem": problem})


def _says_either(schema: dict[str, Any]) -> None:
    for name in ("rows", "csv"):
        del schema["properties"][name]["default"]
    schema["oneOf"] = [{"required": ["rows"]}, {"required": ["csv"]}]


class ImportProductsIn(Input):
    """``rows``, or the same as ``csv``; no SKU twice."""

    model_config = ConfigDict(json_schema_extra=_says_either)

    rows: Annotated[list[ImportRowIn], Field(min_length=1, max_length=MAX_ROWS, description=_AT_ONCE)] = []
    csv: Annotated[
        list[ImportRowIn],
        BeforeValidator(_rows_of),
        Field(max_length=MAX_ROWS),
        WithJsonSchema(
            {
                "type": "string",
                "description": "CSV with a line of names, which are those of a row's fields",
                "examples": ["sku,name,price,stock\r\nMUG-1,Mug,12.50,40\r\n"],
            }
        ),
    ] = []

    @model_validator(mode="after")
    def _either_of_both(self) -> "ImportProductsIn":
        if self.model_fields_set not in ({"rows"}, {"csv"}):
            raise PydanticCustomError("missing", "Give rows or csv")
        if len({row.sku for row in self._given}) < len(self._given):
            raise PydanticCustomError("duplicate_sku", "Two rows have the same SKU")
        return self

    @property
    def _given(self) -> list[ImportRowIn]:
        return self.rows or self.csv

    def to_rows(self, currency: str) -> list[Document]:
        return [
            row.model_dump(mode="json", exclude={"price"}, exclude_none=True)
            | {"price": money(row.price, currency, field=f"rows.{number}.price").minor}
            for number, row in enumerate(self._given)
        ]


class AdjustmentIn(Input):
    product_id: Id
    quantity_change: Annotated[
        int, Field(strict=True, examples=[50]), Says(minimum=-MAX_STOCK, maximum=MAX_STOCK, **{"not": {"const": 0}})
    ]
    reason: Reason
    variant_id: Id | None = None
    location: Annotated[Id, Field(description="Warehouse; the shop's first one when left out")] | None = None
    note: Text | None = None


class BulkAdjustIn(Input):
    adjustments: Annotated[list[AdjustmentIn], Field(min_length=1, max_length=MAX_ROWS, description=_AT_ONCE)]

    def to_rows(self) -> list[Document]:
        return [each.model_dump(exclude_none=True) for each in self.adjustments]


class RowErrorOut(Output):
    """``code`` as errors of the whole request have it, ``reason`` finer."""

    code: str
    reason: str
    message: str


class RowResultOut(Output):
    """``row`` counts from 1, in the order of the request."""

    row: int
    product_id: str | None
    sku: str | None
    ok: bool
    error: RowErrorOut | None

    @classmethod
    def of(cls, result: RowResult) -> "RowResultOut":
        error = result.error
        return cls(
            row=result.number,
            product_id=result.product_id,
            sku=result.sku,
            ok=error is None,
            error=RowErrorOut(code=error.code, reason=error.reason, message=error.message) if error else None,
        )


class SummaryOut(Output):
    requested: int
    succeeded: int
    failed: int


class BulkOut(Output):
    """What came of each row; or the job that deals with them, whose file will say so: ask ``GET /v2/jobs/{id}``."""

    status: JobStatus
    job_id: str | None
    summary: SummaryOut
    results: list[RowResultOut]

    @classmethod
    def of(cls, done: Sequence[RowResult] | Job) -> "BulkOut":
        if isinstance(done, Job):
            return cls(
                status=done.status,
                job_id=done.job_id,
                summary=SummaryOut(requested=done.total, succeeded=done.done - done.refused, failed=done.refused),
                results=[],
            )
        failed = sum(result.error is not None for result in done)
        return cls(
            status=JobStatus.SUCCEEDED,
            job_id=None,
            summary=SummaryOut(requested=len(done), succeeded=len(done) - failed, failed=failed),
            results=[RowResultOut.of(result) for result in done],
        )


class ExportQuery(Query):
    format: Format = Format.CSV


class ExportOut(Output):
    """``url`` needs no credential; it is null until the file is written. Ask for the export again for a fresh one."""

    export_id: str
    format: Literal["csv", "json"]
    status: JobStatus
    url: str | None
    expires_at: Instant | None

    @classmethod
    def of(cls, tenant: Tenant, job: Job) -> "ExportOut":
        link = files.link_to(tenant, job) if job.has_file(clock.now()) else None
        return cls(
            export_id=job.job_id,
            format=job.format.value,
            status=job.status,
            url=link.url if link else None,
            expires_at=link.expires_at if link else None,
        )
