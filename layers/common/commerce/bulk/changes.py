"""What bulk requests do with one row (contract BU-01, BU-03): all of it once, or a refusal that says why.

Rows are plain documents, so that a request and a job, which reads them out of a file, do the same with them. Each is a
change of its own through the context that it belongs to. It may be tried again, after any death: a product that is as
it is to be is left alone, and a movement of stock has an id that follows from the operation and the row.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from commerce.catalog import store as catalog
from commerce.catalog import use_cases as products
from commerce.catalog.model import Product, ProductStatus
from commerce.catalog.use_cases import ChangeProduct, CreateProduct
from commerce.inventory import store as stocks
from commerce.inventory import use_cases as stock_keeping
from commerce.inventory.model import StockKey
from commerce.inventory.use_cases import Adjust
from commerce.jobs.model import JobType
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.cause import Cause
from commerce.kernel.errors import CommerceError, Conflict, Invalid, Unavailable
from commerce.kernel.locale import LANGUAGES
from commerce.kernel.money import Money
from commerce.table.transaction import Transaction, run

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one operation, which is a request or a job; ``first`` is the number of the first of them, from 1."""

    type: JobType
    caller: Caller
    cause: Cause
    operation_id: str
    rows: Sequence[Document]
    first: int = 1


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of a row; ``error`` where it was refused."""

    number: int
    product_id: str | None
    sku: str | None
    error: CommerceError | None = None


def apply(batch: Batch) -> list[RowResult]:
    """Change every row, in their order.

    Raises:
        Unavailable: a row could not be tried; those before it are changed, and trying all of them again does no harm.
    """
    return [_applied(batch, number, row) for number, row in enumerate(batch.rows, start=batch.first)]


@dataclass(frozen=True, slots=True)
class _Row:
    caller: Caller
    cause: Cause
    row: Document
    movement_id: str
    reference: str

    @property
    def tenant(self) -> Tenant:
        return self.caller.tenant


def _applied(batch: Batch, number: int, document: Document) -> RowResult:
    digest = hashlib.sha256(f"{batch.operation_id}:{number}".encode()).hexdigest()[:32]
    row = _Row(batch.caller, batch.cause, document, f"mov_{digest}", batch.operation_id)
    product_id, sku, error = document.get("product_id"), document.get("sku"), None
    try:
        product_id = _CHANGES[batch.type](row)
    except Unavailable:
        raise
    except CommerceError as refusal:
        error = refusal
    return RowResult(number, product_id, sku, error)


def _update(each: _Row) -> str:
    """Set price, status, category of a product, or some of them."""
    product_id, change = str(each.row["product_id"]), ChangeProduct(_changes(each))
    run(lambda tx: products.update(tx, each.caller, product_id, change, None), each.cause)
    return product_id


def _adjust(each: _Row) -> str:
    """Move stock, once."""
    row = each.row
    command = Adjust(
        product_id=row["product_id"],
        delta=row["quantity_change"],
        reason=row["reason"],
        variant_id=row.get("variant_id"),
        warehouse_id=row.get("location"),
        note=row.get("note"),
        movement_id=each.movement_id,
        reference=each.reference,
    )
    run(lambda tx: stock_keeping.adjust(tx, each.caller, command), each.cause)
    return command.product_id


def _import(each: _Row) -> str:
    """Make the product with this SKU, or change it; then bring its stock to what was counted."""
    try:
        product_id = run(lambda tx: _made_or_changed(tx, each), each.cause)
    except Conflict as conflict:
        if conflict.reason != "duplicate_sku":
            raise
        # Somebody else made it meanwhile, perhaps this very row in another execution of its job.
        product_id = run(lambda tx: _made_or_changed(tx, each), each.cause)
    if each.row.get("stock") is not None:
        run(lambda tx: _count(tx, each, product_id), each.cause)
    return product_id


def _made_or_changed(tx: Transaction, each: _Row) -> str:
    sku = catalog.find_sku(each.tenant, each.row["sku"])
    if sku is None:
        changes = _changes(each)
        made = CreateProduct(
            names=changes["names"],
            sku=each.row["sku"],
            price=changes["price"],
            descriptions={LANGUAGES[0]: ""},
            status=changes.get("status", ProductStatus.ACTIVE),
            categories=changes.get("categories", ()),
        )
        return products.create(tx, each.caller, made).product.product_id
    if sku.variant_id is not None:
        raise Invalid("This SKU is a variant's; import products", field="sku", reason="sku_of_variant")
    product = catalog.find(each.tenant, sku.product_id)
    products.update(tx, each.caller, sku.product_id, ChangeProduct(_changes(each, product)), None)
    return sku.product_id


def _changes(each: _Row, product: Product | None = None) -> dict[str, Any]:
    """The new values by the names of ``Product``'s fields; what the row leaves out, and other languages, stay."""
    row, changes = each.row, dict[str, Any]()
    if row.get("name") is not None:
        changes["names"] = {**(product.names if product else {}), LANGUAGES[0]: row["name"]}
    if row.get("price") is not None:
        changes["price"] = Money(row["price"], each.tenant.currency)
    if row.get("status") is not None:
        changes["status"] = ProductStatus(row["status"])
    if row.get("category") is not None:
        changes["categories"] = (row["category"],)
    return changes


def _count(tx: Transaction, each: _Row, product_id: str) -> None:
    """Bring what the shop's first warehouse has available to the counted number, once."""
    product = catalog.find(each.tenant, product_id)
    if product is None or stocks.has_moved(each.tenant, product_id, each.movement_id):
        return
    variant_id, warehouse_id = product.variant(None).variant_id, stock_keeping.warehouse(each.tenant, None)
    key = StockKey(product_id, variant_id, warehouse_id)
    found = stocks.find_all(each.tenant, [key]).get(key)
    delta = each.row["stock"] - (found.available if found else 0)
    if delta:
        command = Adjust(product_id, delta, "correction", movement_id=each.movement_id, reference=each.reference)
        stock_keeping.adjust(tx, each.caller, command)


_CHANGES: dict[JobType, Callable[[_Row], str]] = {
    JobType.PRODUCT_UPDATE: _update,
    JobType.PRODUCT_IMPORT: _import,
    JobType.STOCK_ADJUSTMENT: _adjust,
}
