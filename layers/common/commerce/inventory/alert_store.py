"""Alerts on stock in the table, apart from stock itself: what changes stock need not load them."""

from dataclasses import asdict
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.inventory.model import Alert, Crossing, Reorder, Scope, Stock
from commerce.inventory.store import stocks_in
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import StaleWrite
from commerce.kernel.paging import Page, PageRequest
from commerce.table import keys
from commerce.table.reading import get, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction

_ACTIVE, _REMOVED = "active", "removed"


class AlertRow(Row, discriminator="stock_alert"):
    """One row per scope. A removed alert's row stays, so that who removed it is on record."""

    audited: ClassVar[str] = "inventory_alert"

    alert_id = UnicodeAttribute()
    product_id = UnicodeAttribute()
    variant_id = UnicodeAttribute(null=True)
    warehouse_id = UnicodeAttribute(null=True)
    threshold = NumberAttribute()
    reorder = DocumentAttribute(null=True)
    told = WordsAttribute()
    status = UnicodeAttribute()  # active, removed
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()
    sequence = NumberAttribute(null=True)  # absent: nothing was told yet

    def to_alert(self) -> Alert:
        return Alert(
            alert_id=self.alert_id,
            scope=Scope(self.product_id, self.variant_id, self.warehouse_id),
            threshold=int(self.threshold),
            reorder=None if self.reorder is None else Reorder(**self.reorder),
            told=frozenset(Crossing(each) for each in self.told),
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=int(self.version),
            sequence=int(self.sequence or 0),
            removed=self.status == _REMOVED,
        )


def find(tenant: Tenant, scope: Scope) -> Alert | None:
    """The alert of a scope, a removed one too (S6)."""
    row = get(_key(tenant, scope))
    return row.to_alert() if isinstance(row, AlertRow) else None


def with_id(tenant: Tenant, product_id: str, alert_id: str) -> Alert | None:
    """The alert of a product with this id, unless it is removed (S7)."""
    return next((alert for alert in active(tenant, product_id) if alert.alert_id == alert_id), None)


def active(tenant: Tenant, product_id: str) -> list[Alert]:
    """A product's alerts, as they are now (S7)."""
    alerts = map(_to_alert, partition(keys.stock_alerts(tenant, product_id)))
    return [alert for alert in alerts if not alert.removed]


def watched(tenant: Tenant, product_id: str) -> list[Stock]:
    """All stock of a product, as it is now (S8)."""
    return stocks_in(partition(keys.product(tenant, product_id).pk, Row.sk.startswith(keys.STOCK_PREFIX)))


def page_of(tenant: Tenant, request: PageRequest, product_id: str) -> Page[Alert]:
    """A product's alerts, those on all its stock first (S7)."""
    return page(
        tenant,
        request,
        _to_alert,
        pk=keys.stock_alerts(tenant, product_id),
        index=None,
        query_name=f"stock_alerts:{product_id}",
        ascending=True,
        keep=AlertRow.status == _ACTIVE,
    )


def save(tx: Transaction, tenant: Tenant, alert: Alert) -> None:
    """Write the next version of an alert (S6).

    Raises (at commit):
        StaleWrite: somebody changed the alert of this scope since it was read.
    """
    scope = alert.scope
    row = AlertRow(
        *_key(tenant, scope),
        alert_id=alert.alert_id,
        product_id=scope.product_id,
        variant_id=scope.variant_id,
        warehouse_id=scope.warehouse_id,
        threshold=alert.threshold,
        reorder=None if alert.reorder is None else asdict(alert.reorder),
        told=sorted(alert.told),
        status=_REMOVED if alert.removed else _ACTIVE,
        created_at=alert.created_at,
        updated_at=alert.updated_at,
        version=alert.version,
        sequence=alert.sequence,
    )
    if alert.version == 1:
        tx.add(row, StaleWrite("alert"))
    else:
        tx.put(row, AlertRow.version == alert.version - 1, StaleWrite("alert"))


def _to_alert(row: Row) -> Alert:
    assert isinstance(row, AlertRow)
    return row.to_alert()


def _key(tenant: Tenant, scope: Scope) -> keys.Key:
    return keys.stock_alert(tenant, scope.product_id, scope.variant_id, scope.warehouse_id)
