"""Alerts on stock: thresholds that a merchant sets for a product, a variant, a warehouse."""

from dataclasses import dataclass, replace

from commerce.catalog import store as catalog
from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.inventory import alert_store as store
from commerce.inventory.model import Alert, Level, Reorder, Scope
from commerce.inventory.store import stocks_in
from commerce.inventory.use_cases import warehouse
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SetAlert:
    """Without ``variant_id`` all variants together, without ``warehouse_id`` all warehouses together."""

    product_id: str
    threshold: int
    variant_id: str | None = None
    warehouse_id: str | None = None
    reorder: Reorder | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """An alert, and how many units are available in its scope."""

    alert: Alert
    available: int

    @property
    def level(self) -> Level:
        return self.alert.level(self.available)


def set_alert(tx: Transaction, caller: Caller, command: SetAlert) -> Watched:
    """Set the alert of a scope, in the place of the one there is (contract IN-03).

    Stock that is below the threshold already has not crossed it: that counts as told. What falls between this look at
    the stock and the alert's being there is seen by whoever hears of the alert.

    Raises:
        NotFound: no such product.
        Invalid: no such variant or warehouse.
    """
    tenant, now = caller.tenant, clock.now()
    rows = catalog.rows_of(tenant, command.product_id)
    product = catalog.product_in(rows)
    if product is None:
        raise NotFound("product")
    scope = Scope(
        command.product_id,
        None if command.variant_id is None else product.variant(command.variant_id).variant_id,
        None if command.warehouse_id is None else warehouse(tenant, command.warehouse_id),
    )
    before = store.find(tenant, scope)
    available = scope.available(stocks_in(rows))
    wanted = Alert(
        alert_id=ids.new("alert"),
        scope=scope,
        threshold=command.threshold,
        reorder=command.reorder,
        told=frozenset(),
        created_at=now,
        updated_at=now,
        version=1 if before is None else before.version + 1,
    ).seeing(available)
    if before is not None and not before.removed:
        if (before.threshold, before.reorder) == (wanted.threshold, wanted.reorder):
            return Watched(before, available)
        wanted = replace(wanted, alert_id=before.alert_id, created_at=before.created_at, sequence=before.sequence)
    store.save(tx, tenant, wanted)
    _announce_set(tx, tenant, wanted)
    return Watched(wanted, available)


def _announce_set(tx: Transaction, tenant: Tenant, alert: Alert) -> None:
    """Have somebody look at the stock again; the event stands for itself, apart from those of crossings."""
    event_id = ids.new("evt")
    told = {"product_id": alert.scope.product_id}
    events.announce(tx, DomainEvent(event_id, "inventory.alert_set", event_id, 1, alert.updated_at, tenant, told))


def remove_alert(tx: Transaction, caller: Caller, product_id: str, alert_id: str) -> None:
    """Remove an alert (contract IN-04).

    Raises:
        NotFound: the product has no such alert.
    """
    alert = store.with_id(caller.tenant, product_id, alert_id)
    if alert is None:
        raise NotFound("alert")
    removed = replace(alert, removed=True, updated_at=clock.now(), version=alert.version + 1)
    store.save(tx, caller.tenant, removed)


def list_alerts(tenant: Tenant, product_id: str, request: PageRequest) -> Page[Watched]:
    """A product's alerts with the stock that each of them watches (contract IN-04).

    Raises:
        NotFound: no such product.
    """
    page = store.page_of(tenant, request, product_id)
    rows = catalog.rows_of(tenant, product_id)
    if catalog.product_in(rows) is None:
        raise NotFound("product")
    stocks = stocks_in(rows)
    return page.over(tuple(Watched(alert, alert.scope.available(stocks)) for alert in page.items))
