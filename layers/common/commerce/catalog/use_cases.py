"""What the shop does with its catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from commerce.catalog import store
from commerce.catalog.model import MAX_VARIANTS, Product, ProductStatus, Variant, WhenOutOfStock
from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.inventory import store as inventory
from commerce.inventory import use_cases as stock_keeping
from commerce.inventory.model import Stock, StockKey
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Conflict, Invalid, NotFound, require_version
from commerce.kernel.money import Money
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NewVariant:
    """``inventory`` units are received at the tenant's first warehouse."""

    sku: str
    price: Money | None = None
    inventory: int | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True, slots=True)
class CreateProduct:
    names: Mapping[str, str]
    sku: str
    price: Money
    descriptions: Mapping[str, str]
    status: ProductStatus = ProductStatus.ACTIVE
    categories: tuple[str, ...] = ()
    variants: tuple[NewVariant, ...] = ()
    images: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    when_out_of_stock: WhenOutOfStock = WhenOutOfStock.DENY
    expected_on: date | None = None


@dataclass(frozen=True, slots=True)
class ChangeVariant:
    """A variant as it is to be. It is the one with ``variant_id``, else the one with its SKU, else a new one.

    ``changes`` holds values by the name of ``Variant``'s field; what it leaves out stays as it is. ``inventory`` units
    of a new variant are received at the tenant's first warehouse; of others it must be None.
    """

    variant_id: str | None
    changes: Mapping[str, Any]
    inventory: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeProduct:
    """``changes`` holds new values by the name of ``Product``'s field; what it leaves out stays as it is.

    ``variants``, where given, are all that the product is to have. ``version`` is what the change is based on.
    """

    changes: Mapping[str, Any]
    variants: tuple[ChangeVariant, ...] | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Stocked:
    """A product with its stock per variant; ``matched_variant_id`` when a variant's SKU found it."""

    product: Product
    stocks: tuple[Stock, ...] | None
    matched_variant_id: str | None = None

    def available(self, variant_id: str) -> int | None:
        """Units of a variant over all warehouses; None where stock was not read."""
        if self.stocks is None:
            return None
        return sum(stock.available for stock in self.stocks if stock.key.variant_id == variant_id)

    def require_unstocked(self, variant: Variant) -> None:
        """Raise Conflict if a warehouse has any of a variant, or has set any aside for orders."""
        stocks = [stock for stock in self.stocks or () if stock.key.variant_id == variant.variant_id]
        available, reserved = sum(each.available for each in stocks), sum(each.reserved for each in stocks)
        if available or reserved:
            raise Conflict(
                f"{variant.sku} cannot go: {available} in stock and {reserved} set aside for orders",
                field="variants",
                reason="variant_in_stock",
            )


def create(tx: Transaction, caller: Caller, command: CreateProduct) -> Stocked:
    """Add a product, its variants and their first stock in one transaction (contract PD-03).

    Raises:
        Conflict: a SKU is taken.
        Invalid: two variants share a SKU, more variants than one transaction holds, or a preorder without a date.
    """
    now, tenant = clock.now(), caller.tenant
    variants = tuple(
        Variant(ids.new("var"), each.sku, each.price, each.attributes, each.image) for each in command.variants
    )
    _require_distinct(variants)
    product = Product(
        product_id=ids.new("prod"),
        sku=command.sku,
        names=command.names,
        descriptions=command.descriptions,
        price=command.price,
        status=command.status,
        categories=tuple(dict.fromkeys(command.categories)),
        variants=variants,
        images=command.images,
        metadata=command.metadata,
        created_at=now,
        updated_at=now,
        when_out_of_stock=command.when_out_of_stock,
        expected_on=command.expected_on,
    )
    product.require_promise()
    store.add(tx, tenant, product)
    received = {variant.variant_id: new.inventory for variant, new in zip(variants, command.variants, strict=True)}
    stocks = _receive(tx, caller, product, received)
    events.announce(tx, _event("product.created", tenant, product))
    return Stocked(product, stocks)


def update(
    tx: Transaction, caller: Caller, product_id: str, command: ChangeProduct, expected_version: int | None
) -> Stocked:
    """Change a product (contract PD-04). What would change nothing writes nothing.

    Raises:
        NotFound: no such product; a SKU does not name one here (contract X-35).
        VersionMismatch: the product is not at ``expected_version``, or the command's, any more.
        Conflict: a SKU is taken, or a variant that is to go has stock or is waited for.
        Invalid: a variant that the product does not have, one named twice, or too many; a preorder without a date.
    """
    now, tenant = clock.now(), caller.tenant
    found = _require(tenant, product_id, expected_version)
    before = found.product
    require_version(before.version, command.version, "product")
    after, received = _changed(before, command)
    if after == before:
        return found
    after.require_promise()
    after = replace(after, version=before.version + 1, updated_at=now)
    kept = {variant.variant_id for variant in after.sellable}
    for variant in before.sellable:
        if variant.variant_id not in kept:
            found.require_unstocked(variant)
            _require_not_waited_for(tenant, variant)
            store.require_unstocked(tx, tenant, before, variant)
    store.save(tx, tenant, before, after)
    stocks = _receive(tx, caller, after, received)
    events.announce(tx, _event("product.updated", tenant, after))
    return Stocked(after, (found.stocks or ()) + stocks)


def archive(tx: Transaction, caller: Caller, product_id: str, expected_version: int | None) -> None:
    """Take a product out of the shop for good (contract PD-05): it stays readable by its id. Twice is like once.

    Raises:
        NotFound: no such product; a SKU does not name one here (contract X-35).
        VersionMismatch: the product is not at ``expected_version`` any more, and not archived either.
    """
    found = _require(caller.tenant, product_id, None)
    before = found.product
    if before.status is ProductStatus.ARCHIVED:
        return
    require_version(before.version, expected_version, "product")
    after = replace(before, status=ProductStatus.ARCHIVED, version=before.version + 1, updated_at=clock.now())
    store.save(tx, caller.tenant, before, after)
    events.announce(tx, _event("product.deleted", caller.tenant, after))


def _require_not_waited_for(tenant: Tenant, variant: Variant) -> None:
    """Raise Conflict if an order waits for units of a variant."""
    from commerce.backorders import store as backorders  # for products that lose a variant

    if backorders.first(tenant, variant.variant_id) is not None:
        raise Conflict(f"{variant.sku} cannot go: orders wait for it", field="variants", reason="variant_waited_for")


def _require(tenant: Tenant, product_id: str, expected_version: int | None) -> Stocked:
    found = _by_id(tenant, product_id)
    if found is None:
        raise NotFound("product")
    require_version(found.product.version, expected_version, "product")
    return found


def _changed(before: Product, command: ChangeProduct) -> tuple[Product, dict[str, int | None]]:
    """The product as it is to be, and the units to receive of each of its new variants."""
    changes = dict(command.changes)
    received: dict[str, int | None] = {}
    if command.variants is not None:
        known = {variant.variant_id: variant for variant in before.sellable}
        by_sku = {variant.sku: variant.variant_id for variant in before.sellable}
        variants = []
        for index, wanted in enumerate(command.variants):
            variant_id = wanted.variant_id or by_sku.get(wanted.changes.get("sku", ""))
            if variant_id is None:
                variants.append(_new_variant(wanted, index))
                received[variants[-1].variant_id] = wanted.inventory
            elif variant_id not in known:
                raise Invalid("No such variant", field=f"variants.{index}.id", reason="unknown_variant")
            elif wanted.inventory is not None:
                raise Invalid(
                    "Change stock with POST /v2/inventory/{product_id}/adjust",
                    field=f"variants.{index}.inventory",
                    reason="inventory_not_settable",
                )
            else:
                variants.append(replace(known[variant_id], **wanted.changes))
        _require_distinct(variants)
        changes["variants"] = tuple(variants)
    return replace(before, **changes), received


def _new_variant(wanted: ChangeVariant, index: int) -> Variant:
    if "sku" not in wanted.changes:
        raise Invalid("A new variant needs a SKU", field=f"variants.{index}.sku", reason="missing")
    return Variant(ids.new("var"), **wanted.changes)


def _require_distinct(variants: Sequence[Variant]) -> None:
    if len({variant.sku for variant in variants}) < len(variants):
        raise Invalid("Two variants have the same SKU", field="variants", reason="duplicate_sku")
    if len({variant.variant_id for variant in variants}) < len(variants):
        raise Invalid("Two entries are the same variant", field="variants", reason="duplicate_variant")
    if len(variants) > MAX_VARIANTS:
        raise Invalid(f"A product has at most {MAX_VARIANTS} variants", field="variants", reason="too_many_variants")


def _receive(
    tx: Transaction, caller: Caller, product: Product, received: Mapping[str, int | None]
) -> tuple[Stock, ...]:
    """Book the first units of new variants; give the stock that they make."""
    stocks = []
    for variant_id, units in received.items():
        if units:
            key = StockKey(product.product_id, variant_id, stock_keeping.warehouse(caller.tenant, None))
            stock_keeping.move(tx, caller, key, units, "restock", None, product.name)
            stocks.append(Stock(key, units, 0))
    return tuple(stocks)


def get(tenant: Tenant, id_or_sku: str) -> Stocked:
    """A product by its id, else by its SKU or a variant's (contract PD-02).

    Raises:
        NotFound: neither.
    """
    found = _by_id(tenant, id_or_sku)
    if found is not None:
        return found
    sku = store.find_sku(tenant, id_or_sku)
    found = None if sku is None else _by_id(tenant, sku.product_id, sku.variant_id)
    if found is None:
        raise NotFound("product")
    return found


def _by_id(tenant: Tenant, product_id: str, matched: str | None = None) -> Stocked | None:
    rows = store.rows_of(tenant, product_id)
    product = store.product_in(rows)
    return None if product is None else Stocked(product, tuple(inventory.stocks_in(rows)), matched)


def _event(event_type: str, tenant: Tenant, product: Product) -> DomainEvent:
    return DomainEvent(
        event_id=ids.new("evt"),
        type=event_type,
        aggregate_id=product.product_id,
        sequence=product.version,
        at=product.updated_at,
        tenant=tenant,
        data={
            "id": product.product_id,
            "sku": product.sku,
            "name": product.name,
            "price": Decimal(product.price.major),
            "status": str(product.status),
        },
    )
