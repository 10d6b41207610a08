"""What the shop does with stock."""

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.catalog import store as catalog
from commerce.catalog.model import Product
from commerce.inventory import store
from commerce.inventory.model import Movement, Stock, StockKey, check_delta
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Conflict, Invalid, NotFound
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Adjust:
    """A change of on-hand stock by ``delta`` units at ``warehouse_id`` (the tenant's first one when None).

    ``movement_id``, where given, makes sure that it happens once: a movement that is there already is not made again.
    ``reference`` names what the change is part of.
    """

    product_id: str
    delta: int
    reason: str
    variant_id: str | None = None
    warehouse_id: str | None = None
    note: str | None = None
    movement_id: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Levels:
    """Stock of a product, or of one variant of it, per variant and warehouse; totals are sums (contract IN-01).

    ``variant_ids``: the variants that are asked about, whether there is stock of them or not, in the product's order.
    """

    product_id: str
    variant_ids: tuple[str, ...]
    stocks: tuple[Stock, ...]

    @property
    def available(self) -> int:
        return sum(stock.available for stock in self.stocks)

    @property
    def reserved(self) -> int:
        return sum(stock.reserved for stock in self.stocks)


def levels(tenant: Tenant, product_id: str, variant_id: str | None = None) -> Levels:
    """Current stock of a product, or of one variant of it.

    Raises:
        NotFound: no such product, or no such variant.
    """
    rows = catalog.rows_of(tenant, product_id)
    product = catalog.product_in(rows)
    if product is None:
        raise NotFound("product")
    if variant_id is None:
        return _levels(product, store.stocks_in(rows))
    if variant_id not in {variant.variant_id for variant in product.sellable}:
        raise NotFound("variant")
    stocks = tuple(stock for stock in store.stocks_in(rows) if stock.key.variant_id == variant_id)
    return Levels(product_id, (variant_id,), stocks)


def adjust(tx: Transaction, caller: Caller, command: Adjust) -> Levels:
    """Change stock by a delta and record the movement (contract IN-02, X-26); give the levels after it.

    Raises:
        NotFound: no such product.
        Invalid: no such variant or warehouse, or a change of nothing.
        Conflict: fewer are available than the change takes away.
    """
    tenant = caller.tenant
    check_delta(command.delta)
    rows = catalog.rows_of(tenant, command.product_id)
    product = catalog.product_in(rows)
    if product is None:
        raise NotFound("product")
    if command.movement_id is not None and store.has_moved(tenant, product.product_id, command.movement_id):
        return _levels(product, store.stocks_in(rows))
    key = StockKey(
        command.product_id, product.variant(command.variant_id).variant_id, warehouse(tenant, command.warehouse_id)
    )
    before = {stock.key: stock for stock in store.stocks_in(rows)}
    stock = before.get(key, Stock(key, available=0, reserved=0))
    if stock.available + command.delta < 0:
        raise Conflict(
            f"Only {stock.available} available at {key.warehouse_id}", field="quantity", reason="insufficient_stock"
        )
    catalog.require_unchanged(tx, tenant, product)  # no stock for a variant that is being removed
    movement = Movement(
        command.movement_id or ids.new("mov"),
        key,
        command.delta,
        command.reason,
        command.note,
        clock.now(),
        caller.actor,
        command.reference,
    )
    store.move(tx, tenant, movement, product.name)
    after = before | {key: Stock(key, stock.available + command.delta, stock.reserved)}
    return _levels(product, [after[each] for each in sorted(after, key=_in_order)])


def move(tx: Transaction, caller: Caller, key: StockKey, delta: int, reason: str, note: str | None, name: str) -> None:
    """Add one movement to the transaction."""
    movement = Movement(ids.new("mov"), key, delta, reason, note, clock.now(), caller.actor)
    store.move(tx, caller.tenant, movement, name)


def warehouse(tenant: Tenant, warehouse_id: str | None) -> str:
    """The named warehouse of the tenant, or its first one.

    Raises:
        Invalid: the tenant has no such warehouse.
    """
    if warehouse_id is None and tenant.warehouses:
        return tenant.warehouses[0]
    if warehouse_id in tenant.warehouses:
        return warehouse_id
    raise Invalid("No such warehouse", field="location", reason="unknown_warehouse")


def _levels(product: Product, stocks: Sequence[Stock]) -> Levels:
    """All stock of a product. A variant that is sold no more counts for as long as there is any of it."""
    sold = [variant.variant_id for variant in product.sellable]
    counted = tuple(stock for stock in stocks if stock.key.variant_id in sold or stock.on_hand)
    variant_ids = dict.fromkeys([*sold, *(stock.key.variant_id for stock in counted)])
    return Levels(product.product_id, tuple(variant_ids), counted)


def _in_order(key: StockKey) -> tuple[str, str]:
    return (key.warehouse_id, key.variant_id)
