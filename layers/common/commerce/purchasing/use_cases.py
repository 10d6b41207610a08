"""What the shop does with purchase orders."""

from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.inventory.model import Alert
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import NotFound, require_version
from commerce.kernel.paging import Page, PageRequest
from commerce.purchasing import store
from commerce.purchasing.model import PurchaseOrder, PurchaseOrderStatus
from commerce.purchasing.representation import as_object
from commerce.table.transaction import Transaction


def draft(tx: Transaction, tenant: Tenant, alert: Alert) -> None:
    """Draft what the alert wants to be reordered, unless a draft for what it watches is open (contract IN-03, PM-20).

    Raises (at commit):
        StaleWrite: another draft was opened meanwhile.
    """
    reorder = alert.reorder
    if reorder is None or not reorder.enabled or store.has_draft(tenant, alert.scope):
        return
    now = clock.now()
    drafted = PurchaseOrder(
        purchase_order_id=ids.new("po"),
        alert_id=alert.alert_id,
        scope=alert.scope,
        quantity=reorder.quantity,
        supplier=reorder.supplier,
        status=PurchaseOrderStatus.DRAFT,
        created_at=now,
        updated_at=now,
    )
    store.add_draft(tx, tenant, drafted)
    events.announce(
        tx,
        DomainEvent(
            event_id=ids.new("evt"),
            type="purchase_order.drafted",
            aggregate_id=drafted.purchase_order_id,
            sequence=1,
            at=now,
            tenant=tenant,
            data=as_object(drafted),
        ),
    )


def close(
    tx: Transaction, caller: Caller, purchase_order_id: str, status: PurchaseOrderStatus, version: int | None
) -> PurchaseOrder:
    """Say that a draft was ordered, or drop it. The next time that stock falls low, another one is drafted.

    Raises:
        NotFound: no such purchase order of this tenant.
        IllegalMove: it is no draft any more.
        VersionMismatch: it is not at ``version``.
    """
    found = get(caller.tenant, purchase_order_id)
    require_version(found.version, version, "purchase order")
    closed = found.close(status, clock.now())
    store.save_closed(tx, caller.tenant, closed)
    return closed


def get(tenant: Tenant, purchase_order_id: str) -> PurchaseOrder:
    """One purchase order.

    Raises:
        NotFound: no such purchase order of this tenant.
    """
    found = store.find(tenant, purchase_order_id)
    if found is None:
        raise NotFound("purchase order")
    return found


def list_purchase_orders(
    tenant: Tenant, request: PageRequest, status: PurchaseOrderStatus | None = None
) -> Page[PurchaseOrder]:
    """A page of purchase orders, newest first."""
    return store.page_of(tenant, request, status)
