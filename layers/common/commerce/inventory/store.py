"""Stock rows and movements in the table."""

from collections.abc import Iterable
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.inventory.model import GoodsIssue, Movement, Stock, StockKey
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.table import keys
from commerce.table.reading import get, get_all
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction


class StockRow(Row, discriminator="stock"):
    audited: ClassVar[str] = "inventory"

    product_id = UnicodeAttribute()
    variant_id = UnicodeAttribute()
    warehouse_id = UnicodeAttribute()
    available = NumberAttribute()
    reserved = NumberAttribute()

    def to_stock(self) -> Stock:
        key = StockKey(self.product_id, self.variant_id, self.warehouse_id)
        return Stock(key=key, available=int(self.available), reserved=int(self.reserved))


class MovementRow(Row, discriminator="movement"):
    product_id = UnicodeAttribute()
    variant_id = UnicodeAttribute()
    warehouse_id = UnicodeAttribute()
    delta = NumberAttribute()
    reason = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    at = InstantAttribute()
    actor = UnicodeAttribute()
    reference = UnicodeAttribute(null=True)


class GoodsIssueRow(Row, discriminator="goods_issue"):
    """``parts``: product, variant, warehouse and units of each."""

    order_id = UnicodeAttribute()
    parts = DocumentAttribute()
    at = InstantAttribute()
    actor = UnicodeAttribute()


def stocks_in(rows: Iterable[Row]) -> list[Stock]:
    """The stock among the rows of a product's partition (P5)."""
    return [row.to_stock() for row in rows if isinstance(row, StockRow)]


def find_all(tenant: Tenant, wanted: Iterable[StockKey]) -> dict[StockKey, Stock]:
    """Several stock rows, one call for up to a hundred (S2)."""
    rows = get_all(_key(tenant, key) for key in wanted)
    return {stock.key: stock for stock in stocks_in(rows.values())}


def has_moved(tenant: Tenant, product_id: str, movement_id: str) -> bool:
    """Whether there is such a movement (S3)."""
    return get(keys.movement(tenant, product_id, movement_id)) is not None


def move(tx: Transaction, tenant: Tenant, movement: Movement, name: str) -> None:
    """Change what is on hand and say why (S3, S9).

    Raises (at commit):
        Conflict: fewer are available than the movement takes away.
        StaleWrite: there is such a movement; planning again finds it.
    """
    key = keys.movement(tenant, movement.key.product_id, movement.movement_id)
    tx.add(
        MovementRow(
            key.pk,
            key.sk,
            gsi1pk=keys.stock_ledger(tenant),
            gsi1sk=keys.by_time(movement.at, movement.movement_id),
            product_id=movement.key.product_id,
            variant_id=movement.key.variant_id,
            warehouse_id=movement.key.warehouse_id,
            delta=movement.delta,
            reason=movement.reason,
            note=movement.note,
            at=movement.at,
            actor=movement.actor,
            reference=movement.reference,
        ),
        StaleWrite("movement"),
    )
    row = _addressed(tenant, movement.key)
    actions = [
        StockRow.available.add(movement.delta),
        StockRow.reserved.set(StockRow.reserved | 0),
        StockRow.kind.set(StockRow),
        StockRow.product_id.set(movement.key.product_id),
        StockRow.variant_id.set(movement.key.variant_id),
        StockRow.warehouse_id.set(movement.key.warehouse_id),
    ]
    enough = StockRow.available >= -movement.delta if movement.delta < 0 else None
    tx.update(row, actions, enough, _too_few(name))


def reserve(tx: Transaction, tenant: Tenant, key: StockKey, quantity: int) -> None:
    """Set units aside (S4).

    Raises (at commit):
        StaleWrite: they are not available any more.
    """
    tx.update(
        _addressed(tenant, key),
        [StockRow.available.add(-quantity), StockRow.reserved.add(quantity)],
        StockRow.available >= quantity,
        StaleWrite("stock"),
    )


def release(tx: Transaction, tenant: Tenant, key: StockKey, quantity: int) -> None:
    """Give reserved units back (S4)."""
    tx.update(
        _addressed(tenant, key),
        [StockRow.available.add(quantity), StockRow.reserved.add(-quantity)],
        StockRow.reserved >= quantity,
    )


def issue(tx: Transaction, tenant: Tenant, goods: GoodsIssue) -> None:
    """Let reserved units leave, and say for which order (S5, S9).

    Raises (at commit):
        StaleWrite: they are not reserved any more.
    """
    key = keys.goods_issue(tenant, goods.order_id, goods.issue_id)
    parts = [[part.product_id, part.variant_id, part.warehouse_id, units] for part, units in goods.parts]
    tx.add(
        GoodsIssueRow(
            key.pk,
            key.sk,
            gsi1pk=keys.stock_ledger(tenant),
            gsi1sk=keys.by_time(goods.at, goods.issue_id),
            order_id=goods.order_id,
            parts=parts,
            at=goods.at,
            actor=goods.actor,
        )
    )
    for part, units in goods.parts:
        tx.update(_addressed(tenant, part), [StockRow.reserved.add(-units)], StockRow.reserved >= units)


def _too_few(name: str) -> Conflict:
    """Lost a race: what was read as available is gone."""
    return Conflict(f"Not enough of {name} available", field="quantity", reason="insufficient_stock")


def _key(tenant: Tenant, key: StockKey) -> keys.Key:
    return keys.stock(tenant, key.product_id, key.variant_id, key.warehouse_id)


def _addressed(tenant: Tenant, key: StockKey) -> StockRow:
    return StockRow(*_key(tenant, key))
