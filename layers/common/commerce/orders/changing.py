"""One version of an order in the making: what it becomes, what its timeline will say, and what the world is told.

What moves an order's money touches several contexts in one transaction. Each adds its part here; the order is written
once, at the end.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from commerce.customers import store as customers
from commerce.events.model import TimelineType
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.money import Money
from commerce.ledger import store as ledger
from commerce.ledger.model import Entry
from commerce.orders import store, use_cases
from commerce.orders.model import Order
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class _Told:
    """A row of the timeline."""

    status: str
    kind: TimelineType
    content: str | None
    data: dict[str, Any] | None


@dataclass(slots=True)
class OrderChange:
    """``before`` is the order as it is stored, ``after`` as it will be. ``spent`` is what the customer paid more by it,
    ``called_off`` says that it ends the order.

    Events are announced as the order is when it is saved; one that is about something else says what it shows, and
    comes first.
    """

    tx: Transaction
    caller: Caller
    before: Order
    after: Order
    at: datetime = field(default_factory=clock.now)
    spent: int = 0
    called_off: bool = False
    _told: list[_Told] = field(default_factory=list)
    _events: list[tuple[str, dict[str, Any] | None]] = field(default_factory=list)

    @property
    def tenant(self) -> Tenant:
        return self.caller.tenant

    @property
    def is_empty(self) -> bool:
        return not self._told

    @property
    def tells_of_order(self) -> bool:
        """Whether the world is told of the order itself."""
        return any(event_type.startswith("order.") for event_type, _ in self._events)

    def tell(
        self,
        status: str,
        kind: TimelineType = TimelineType.STATUS_CHANGE,
        *,
        content: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Add a row to the timeline."""
        self._told.append(_Told(str(status), kind, content, data))

    def announce(self, event_type: str, shown: dict[str, Any] | None = None) -> None:
        """Tell the world, once for each type of event about the order itself."""
        if shown is not None or (event_type, None) not in self._events:
            self._events.append((event_type, shown))

    def post(self, entry: Entry) -> None:
        """Book an amount."""
        ledger.post(self.tx, self.tenant, entry)

    def spend(self, amount: Money) -> None:
        """Count what the customer paid; an amount below zero went back to them."""
        self.spent += amount.minor

    def save(self) -> Order:
        """Write the order one version on, with all that was told of it.

        Raises (at commit):
            StaleWrite: somebody else wrote the order since it was read.
        """
        saved = self.after.changed(self.at, sequence=self.before.sequence + len(self._events))
        if saved.gift_cards:
            from commerce.orders import tendering  # and with it all of stored value, for orders that bought some

            saved = tendering.follow_payment(self.tx, self.caller, self.before, saved)
        store.save(self.tx, self.tenant, saved)
        if self.before.expires_at is not None and saved.expires_at is None:
            store.settle(self.tx, self.tenant, saved.order_id)
        for index, row in enumerate(self._told):
            use_cases.record(
                self.tx,
                self.caller,
                saved,
                status=row.status,
                kind=row.kind,
                index=index,
                content=row.content,
                data=row.data,
            )
        payments_first = sorted(self._events, key=lambda event: event[1] is None)
        for number, (event_type, shown) in enumerate(payments_first, start=self.before.sequence + 1):
            use_cases.announce(self.tx, self.tenant, saved, event_type, shown, sequence=number)
        spent, customer_id = Money(self.spent, saved.currency), saved.buyer.customer_id
        customers.count_spent(self.tx, self.tenant, customer_id, spent, called_off=self.called_off)
        return saved
