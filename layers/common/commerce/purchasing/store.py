"""Purchase orders in the table (patterns Q1–Q3)."""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.inventory.model import Scope
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import StaleWrite
from commerce.kernel.paging import Page, PageRequest
from commerce.purchasing.model import PurchaseOrder, PurchaseOrderStatus
from commerce.table import keys
from commerce.table.reading import get, page
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction


class PurchaseOrderRow(Row, discriminator="purchase_order"):
    audited: ClassVar[str] = "purchase_order"

    purchase_order_id = UnicodeAttribute()
    alert_id = UnicodeAttribute()
    product_id = UnicodeAttribute()
    variant_id = UnicodeAttribute(null=True)
    warehouse_id = UnicodeAttribute(null=True)
    quantity = NumberAttribute()
    supplier = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_purchase_order(self) -> PurchaseOrder:
        return PurchaseOrder(
            purchase_order_id=self.purchase_order_id,
            alert_id=self.alert_id,
            scope=Scope(self.product_id, self.variant_id, self.warehouse_id),
            quantity=int(self.quantity),
            supplier=self.supplier,
            status=PurchaseOrderStatus(self.status),
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=int(self.version),
        )


class OpenDraftRow(Row, discriminator="open_draft"):
    """There while a scope has a draft, so that it has one at most."""

    purchase_order_id = UnicodeAttribute()


def find(tenant: Tenant, purchase_order_id: str) -> PurchaseOrder | None:
    """One purchase order (Q1)."""
    row = get(keys.purchase_order(tenant, purchase_order_id))
    return row.to_purchase_order() if isinstance(row, PurchaseOrderRow) else None


def has_draft(tenant: Tenant, scope: Scope) -> bool:
    """Whether a draft of this scope is open (Q3)."""
    return get(_open_draft(tenant, scope)) is not None


def page_of(tenant: Tenant, request: PageRequest, status: PurchaseOrderStatus | None) -> Page[PurchaseOrder]:
    """A page of purchase orders, newest first: of all, or of those in one status (Q2)."""
    return page(
        tenant,
        request,
        _purchase_order,
        pk=keys.all_purchase_orders(tenant) if status is None else keys.purchase_orders_in_status(tenant, status),
        index="gsi1" if status is None else "gsi2",
        query_name=f"purchase_orders:{status or 'all'}",
    )


def add_draft(tx: Transaction, tenant: Tenant, draft: PurchaseOrder) -> None:
    """Add a draft, the only one of its scope (Q1, Q3).

    Raises (at commit):
        StaleWrite: another draft of this scope was opened.
    """
    tx.add(_row(tenant, draft), StaleWrite("purchase order"))
    marker = OpenDraftRow(*_open_draft(tenant, draft.scope), purchase_order_id=draft.purchase_order_id)
    tx.add(marker, StaleWrite("purchase order"))


def save_closed(tx: Transaction, tenant: Tenant, closed: PurchaseOrder) -> None:
    """Write a purchase order that is no draft any more; its scope may have another (Q1, Q3).

    Raises (at commit):
        StaleWrite: somebody else closed it since it was read.
    """
    was = PurchaseOrderRow.version == closed.version - 1
    tx.put(_row(tenant, closed), was, StaleWrite("purchase order"))
    tx.delete(OpenDraftRow(*_open_draft(tenant, closed.scope)))  # its own: no other is opened while it is a draft


def _row(tenant: Tenant, order: PurchaseOrder) -> PurchaseOrderRow:
    listed = keys.by_time(order.created_at, order.purchase_order_id)
    return PurchaseOrderRow(
        *keys.purchase_order(tenant, order.purchase_order_id),
        purchase_order_id=order.purchase_order_id,
        alert_id=order.alert_id,
        product_id=order.scope.product_id,
        variant_id=order.scope.variant_id,
        warehouse_id=order.scope.warehouse_id,
        quantity=order.quantity,
        supplier=order.supplier,
        status=str(order.status),
        created_at=order.created_at,
        updated_at=order.updated_at,
        version=order.version,
        gsi1pk=keys.all_purchase_orders(tenant),
        gsi1sk=listed,
        gsi2pk=keys.purchase_orders_in_status(tenant, order.status),
        gsi2sk=listed,
    )


def _purchase_order(row: Row) -> PurchaseOrder:
    assert isinstance(row, PurchaseOrderRow)
    return row.to_purchase_order()


def _open_draft(tenant: Tenant, scope: Scope) -> keys.Key:
    return keys.open_draft(tenant, scope.product_id, scope.variant_id, scope.warehouse_id)
