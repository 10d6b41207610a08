"""Placing an order: one transaction (contract CA-03, MO-02, OR-02)."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from commerce.catalog import queries as catalog
from commerce.catalog.model import Product
from commerce.customers import store as customers
from commerce.customers.model import Customer
from commerce.inventory import store as inventory
from commerce.inventory.model import Stock, StockKey, allocate
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Invalid
from commerce.kernel.limits import MAX_LINES
from commerce.kernel.money import MAX_MINOR, Money
from commerce.orders import store
from commerce.orders.model import (
    Address,
    Buyer,
    FulfillmentStatus,
    Order,
    OrderLine,
    PaymentStatus,
    SoldGiftCard,
    Status,
)
from commerce.orders.use_cases import announce, record
from commerce.table.transaction import Transaction

PRICE_OVERRIDE = "orders:price_override"  # the scope of those who may set prices


@dataclass(frozen=True, slots=True)
class WantedItem:
    """``price`` of one unit is what the caller believes, or sets where they may; None takes the catalogue's."""

    product_id: str
    variant_id: str | None
    quantity: int
    price: Money | None = None


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """An order for ``customer_id``. Without addresses the customer's default ones are used.

    ``awaits_payment``: the customer pays now, within the tenant's payment window, or the order expires. Otherwise the
    merchant has taken it on (a telephone order) and it waits as ``pending`` for as long as it takes.
    """

    customer_id: str
    items: tuple[WantedItem, ...]
    awaits_payment: bool
    shipping_address: Address | None = None
    billing_address: Address | None = None
    cart_id: str | None = None
    payment_method: str | None = None
    shipping_method: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    shipping: Money | None = None
    gift_cards: tuple[SoldGiftCard, ...] = ()


def place(tx: Transaction, caller: Caller, command: PlaceOrder) -> Order:
    """Add everything that placing an order writes, as ``draft`` describes it.

    Raises:
        What ``draft`` does.
    """
    return add(tx, caller, draft(caller, command))


def draft(caller: Caller, command: PlaceOrder) -> Order:
    """The order as it would be placed now; nothing is written.

    Raises:
        Invalid: no such customer, product or variant; no address; no items, or more than one transaction holds; a
            price that is not the catalogue's, from somebody who may not set prices (contract X-16).
        Conflict: a product is not for sale, or not enough of it is available.
    """
    tenant, now = caller.tenant, clock.now()
    customer = customers.find(tenant, command.customer_id)
    if customer is None:
        raise Invalid("No such customer", field="customer_id", reason="unknown_customer")
    lines = _lines(caller, command)
    zero = Money.zero(tenant.currency)
    worth = sum(line.total.minor for line in lines) + sum(card.amount.minor for card in command.gift_cards)
    if worth > MAX_MINOR:
        raise Invalid("No order is worth this much", field="items", reason="amount_out_of_range")
    shipping = command.shipping or zero
    free = worth + shipping.minor == 0
    return Order(
        order_id=ids.new("order"),
        buyer=Buyer(customer.customer_id, customer.email, f"{customer.first_name} {customer.last_name}".strip()),
        lines=lines,
        currency=tenant.currency,
        status=Status.PENDING_PAYMENT if command.awaits_payment and not free else Status.PENDING,
        payment_status=PaymentStatus.PAID if free else PaymentStatus.PENDING,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        shipping_address=command.shipping_address or _default_address(customer),
        billing_address=command.billing_address,
        placed_at=now,
        updated_at=now,
        expires_at=now + timedelta(minutes=tenant.payment_window_minutes)
        if command.awaits_payment and not free
        else None,
        discount=zero,
        shipping=shipping,
        tax=zero,
        refunded=zero,
        refunding=zero,
        compensated=zero,
        disputed=zero,
        shipping_refunded=zero,
        cart_id=command.cart_id,
        payment_method=command.payment_method,
        shipping_method=command.shipping_method,
        metadata=command.metadata,
        sequence=1,
        gift_cards=command.gift_cards,
    )


def add(tx: Transaction, caller: Caller, order: Order) -> Order:
    """Add everything that placing a drafted order writes: the order, its stock reservations, timeline, outbox and
    time-out. What paid for it, if anything did, is in the transaction already."""
    tenant = caller.tenant
    store.add(tx, tenant, order)
    for line in order.lines:
        for key, units in line.reserved:
            inventory.reserve(tx, tenant, key, units, line.name)
    paid = order.payment_status is PaymentStatus.PAID
    customers.count_order(
        tx, tenant, order.buyer.customer_id, order.placed_at, order.total if paid and order.total.minor else None
    )
    record(tx, caller, order, status=order.status)
    announce(tx, tenant, order, "order.created")
    return order


def _lines(caller: Caller, command: PlaceOrder) -> tuple[OrderLine, ...]:
    """Order lines with the warehouses that can serve them; items of one variant become one line."""
    tenant, wanted = caller.tenant, list(command.items)
    if not wanted and command.gift_cards:
        return ()
    if not wanted:
        raise Invalid("An order needs items", field="items", reason="empty")
    if len(wanted) > MAX_LINES:
        raise Invalid(f"An order has at most {MAX_LINES} lines", field="items", reason="too_many_lines")
    products = catalog.for_sale(tenant, [item.product_id for item in wanted])
    merged: dict[StockKey, WantedItem] = {}
    for index, item in enumerate(wanted):
        product = products[item.product_id]
        variant = product.variant(item.variant_id)
        price = _price(caller, product.price_of(variant), item.price, f"items.{index}.price")
        key = StockKey(item.product_id, variant.variant_id, "")
        same = merged.get(key, replace(item, quantity=0, price=price))
        if same.price != price:
            raise Invalid("One variant has one price", field=f"items.{index}.price", reason="two_prices")
        merged[key] = replace(same, quantity=same.quantity + item.quantity)
    stocks = inventory.find_all(
        tenant,
        [replace(key, warehouse_id=warehouse) for key in merged for warehouse in tenant.warehouses],
    )
    return tuple(_line(tenant, products[key.product_id], key, item, stocks) for key, item in merged.items())


def _line(
    tenant: Tenant, product: Product, key: StockKey, item: WantedItem, stocks: dict[StockKey, Stock]
) -> OrderLine:
    variant = product.variant(key.variant_id)
    asked = product.price_of(variant)
    wanted = [replace(key, warehouse_id=warehouse) for warehouse in tenant.warehouses]
    return OrderLine(
        line_id=ids.new("li"),
        product_id=product.product_id,
        variant_id=variant.variant_id,
        sku=variant.sku,
        name=product.name,
        quantity=item.quantity,
        unit_price=item.price or asked,
        discount=Money.zero(tenant.currency),
        tax=Money.zero(tenant.currency),
        allocations=allocate(item.quantity, [stocks[each] for each in wanted if each in stocks], product.name),
        catalogue_price=None if item.price == asked else asked,
    )


def _price(caller: Caller, asked: Money, given: Money | None, name: str) -> Money:
    """The catalogue's price, or the caller's where they may set prices (contract X-16)."""
    if given is None or given == asked:
        return asked
    if PRICE_OVERRIDE not in caller.scopes:
        raise Invalid(
            f"The price is {asked.major} {asked.currency}, not {given.major}", field=name, reason="price_mismatch"
        )
    return given


def _default_address(customer: Customer) -> Address:
    found = customer.default_shipping
    if found is None:
        raise Invalid("A shipping address is required", field="shipping_address", reason="address_required")
    return Address(
        name=f"{found.first_name} {found.last_name}".strip(),
        company=found.company,
        address1=found.address1,
        address2=found.address2,
        city=found.city,
        state=found.state,
        postal_code=found.postal_code,
        country=found.country,
        phone=found.phone,
    )
