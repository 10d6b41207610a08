"""Looking at stock that came or went: alerts whose line it crossed are told of, once for each crossing.

Alerts are read before the stock that they watch, here and whenever one is written. As nobody wrote an alert since it
was read, what was seen of its stock is newer than what was seen for it before: so however many look at once, an alert
goes through what its stock went through, in that order.
"""

from dataclasses import replace

from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.inventory import alert_store as store
from commerce.inventory.alert_representation import as_object
from commerce.inventory.model import Alert, Crossing, Scope
from commerce.kernel import clock, ids
from commerce.kernel.caller import Tenant
from commerce.purchasing import use_cases as purchasing
from commerce.table.transaction import Transaction, run

_EVENTS = {Crossing.LOW: "inventory.low", Crossing.OUT_OF_STOCK: "inventory.out_of_stock"}


def watch(tenant: Tenant, product_id: str) -> list[Crossing]:
    """See how much there is of a product, and tell what it has fallen below since somebody last looked.

    Looking again, or while others look, tells nothing twice (contract IN-03). A product without alerts costs one query.

    Raises:
        Unavailable: the table is busy or away; look again.
    """
    alerts = store.active(tenant, product_id)
    if not alerts:
        return []
    stocks = store.watched(tenant, product_id)
    moved = [alert for alert in alerts if alert.seeing(alert.scope.available(stocks)).told != alert.told]
    return [crossing for alert in moved for crossing in _look(tenant, alert.scope)]


def _look(tenant: Tenant, scope: Scope) -> list[Crossing]:
    return run(lambda tx: _see(tx, tenant, scope))


def _see(tx: Transaction, tenant: Tenant, scope: Scope) -> list[Crossing]:
    """Save what the alert of a scope has seen, with the events of what is new in it; give what is new."""
    before = store.find(tenant, scope)
    if before is None or before.removed:
        return []
    available = scope.available(store.watched(tenant, scope.product_id))
    seen = before.seeing(available)
    if seen.told == before.told:
        return []
    crossed = [crossing for crossing in Crossing if crossing in seen.told - before.told]
    after = replace(seen, sequence=before.sequence + len(crossed), version=before.version + 1)
    store.save(tx, tenant, after)
    for sequence, crossing in enumerate(crossed, before.sequence + 1):
        events.announce(tx, _event(tenant, after, available, crossing, sequence))
    if Crossing.LOW in crossed:
        purchasing.draft(tx, tenant, after)
    return crossed


def _event(tenant: Tenant, alert: Alert, available: int, crossing: Crossing, sequence: int) -> DomainEvent:
    return DomainEvent(
        event_id=ids.new("evt"),
        type=_EVENTS[crossing],
        aggregate_id=alert.alert_id,
        sequence=sequence,
        at=clock.now(),
        tenant=tenant,
        data=as_object(alert, available),
    )
