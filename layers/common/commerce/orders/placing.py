"""Placing an order: one transaction (contract CA-03, MO-02, OR-02)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from commerce.catalog import queries as catalog
from commerce.catalog.model import Product, WhenOutOfStock
from commerce.customers import store as customers
from commerce.customers.model import Customer
from commerce.inventory import store as inventory
from commerce.inventory.model import Allocation, Stock, StockKey, allocate, insufficient
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Invalid
from commerce.kernel.limits import MAX_LINES
from commerce.kernel.money import MAX_MINOR, Money
from commerce.kernel.periods import day_of
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
from commerce.promotions import store as promotions
from commerce.promotions.model import Coupon, Discounted, Item, Shopper, discounted, id_of
from commerce.promotions.store import Offers
from commerce.table.transaction import Transaction

MAX_LINE_WRITES = 2 * MAX_LINES  # of stock and queues; the order itself has twenty more in its transaction
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
    coupon_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as it would be placed now, with the coupons that it uses, as they were read. ``orders_before`` are the
    customer's, where one of the coupons is for a first order."""

    order: Order
    coupons: tuple[Coupon, ...] = ()
    orders_before: int | None = None


def place(tx: Transaction, caller: Caller, command: PlaceOrder) -> Order:
    """Add everything that placing an order writes, as ``draft`` describes it.

    Raises:
        What ``draft`` does.
    """
    return add(tx, caller, draft(caller, command))


def draft(caller: Caller, command: PlaceOrder) -> Draft:
    """The order as it would be placed now; nothing is written. What is not there of a product that may be waited for
    waits.

    Raises:
        Invalid: no such customer, product or variant; no address; no items, or more than one transaction holds; a
            price that is not the catalogue's, from somebody who may not set prices (contract X-16).
        Conflict: a product is not for sale, or not enough of it is available; or a coupon does not hold.
    """
    tenant, now = caller.tenant, clock.now()
    codes = list({id_of(code): code for code in command.coupon_codes}.values())
    customer, offers = promotions.customer_with_offers(tenant, command.customer_id, codes)
    if customer is None:
        raise Invalid("No such customer", field="customer_id", reason="unknown_customer")
    products = _products(tenant, command)
    lines = _lines(caller, command, products)
    zero = Money.zero(tenant.currency)
    worth = sum(line.total.minor for line in lines) + sum(card.amount.minor for card in command.gift_cards)
    if worth > MAX_MINOR:
        raise Invalid("No order is worth this much", field="items", reason="amount_out_of_range")
    off = _discounted(lines, products, offers, customer, command.shipping or zero, now)
    off.require_all("coupons" if command.cart_id is not None else "coupon_codes")
    applied = tuple(each for each in off.discounts if each.amount.minor or each.shipping.minor)
    free = worth - off.amount.minor + off.shipping.minor == 0
    order = Order(
        order_id=ids.new("order"),
        buyer=Buyer(customer.customer_id, customer.email, f"{customer.first_name} {customer.last_name}".strip()),
        lines=tuple(replace(line, discount=part) for line, part in zip(lines, off.parts, strict=True)),
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
        discount=off.amount,
        shipping=off.shipping,
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
        sequence=1 + any(line.waiting for line in lines),  # that it was placed, and the notice of what waits
        gift_cards=command.gift_cards,
        discounts=applied,
    )
    named = {each.discount_id for each in applied}
    used = tuple(each.coupon for each in offers.coupons if each.coupon is not None and each.coupon.coupon_id in named)
    is_first = any(coupon.first_time_transaction for coupon in used)
    return Draft(order, used, offers.orders_before if is_first else None)


def add(tx: Transaction, caller: Caller, drafted: Draft) -> Order:
    """Add everything that placing a drafted order writes: the order, its stock reservations, uses of coupons, timeline,
    outbox and time-out. What paid for it, if anything did, is in the transaction already."""
    tenant, order = caller.tenant, drafted.order
    store.add(tx, tenant, order)
    for line in order.lines:
        for key, units in line.reserved:
            inventory.reserve(tx, tenant, key, units)
    paid = order.payment_status is PaymentStatus.PAID
    customers.count_order(
        tx,
        tenant,
        order.buyer.customer_id,
        order.placed_at,
        order.total if paid and order.total.minor else None,
        expected=drafted.orders_before,
    )
    for coupon in drafted.coupons:
        promotions.use(tx, tenant, coupon, order.order_id, order.buyer.customer_id)
    record(tx, caller, order, status=order.status)
    announce(tx, tenant, order, "order.created", sequence=1)
    if order.waiting:
        from commerce.backorders import queueing  # for orders that wait for stock

        queueing.enter(tx, tenant, order)
    return order


def _discounted(
    lines: Sequence[OrderLine],
    products: Mapping[str, Product],
    offers: Offers,
    customer: Customer,
    shipping: Money,
    now: datetime,
) -> Discounted:
    """What is taken off the lines and shipping, as a cart with the same things shows it."""
    items = [
        Item(line.product_id, line.variant_id, products[line.product_id].categories, line.quantity, line.unit_price)
        for line in lines
    ]
    shopper = Shopper(customer.tags, offers.standing_orders, offers.uses)
    return discounted(items, offers.automatic, offers.coupons, shopper, shipping, now)


def _products(tenant: Tenant, command: PlaceOrder) -> dict[str, Product]:
    """The products that are wanted, all of them on sale."""
    if not command.items and not command.gift_cards:
        raise Invalid("An order needs items", field="items", reason="empty")
    if len(command.items) > MAX_LINES:
        raise Invalid(f"An order has at most {MAX_LINES} lines", field="items", reason="too_many_lines")
    return catalog.for_sale(tenant, [item.product_id for item in command.items])


def _lines(caller: Caller, command: PlaceOrder, products: Mapping[str, Product]) -> tuple[OrderLine, ...]:
    """Order lines with the warehouses that can serve them; items of one variant become one line."""
    tenant, wanted = caller.tenant, command.items
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
    return _fitting([_line(tenant, products[key.product_id], key, item, stocks) for key, item in merged.items()])


def _fitting(lines: list[OrderLine]) -> tuple[OrderLine, ...]:
    """The same lines as far as one transaction holds them: of those that have some units and wait for others, the last
    ones wait for all."""
    for index in reversed(range(len(lines))):
        if sum(len(line.allocations) + (2 if line.waiting else 0) for line in lines) <= MAX_LINE_WRITES:
            break
        if lines[index].waiting:
            lines[index] = replace(lines[index], allocations=())
    return tuple(lines)


def _line(
    tenant: Tenant, product: Product, key: StockKey, item: WantedItem, stocks: dict[StockKey, Stock]
) -> OrderLine:
    variant = product.variant(key.variant_id)
    asked = product.price_of(variant)
    places = [replace(key, warehouse_id=warehouse) for warehouse in tenant.warehouses]
    allocations = _set_aside(tenant, product, key, item.quantity, [stocks[each] for each in places if each in stocks])
    waits = sum(part.quantity for part in allocations) < item.quantity
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
        allocations=allocations,
        catalogue_price=None if item.price == asked else asked,
        backorder_id=ids.new("bo") if waits else None,
        preordered=waits and product.when_out_of_stock is WhenOutOfStock.PREORDER,
        expected_on=product.expected_from(day_of(clock.now(), tenant.timezone)) if waits else None,
    )


def _set_aside(
    tenant: Tenant, product: Product, key: StockKey, units: int, stocks: list[Stock]
) -> tuple[Allocation, ...]:
    if not product.could_wait:
        return allocate(units, stocks, product.name)
    from commerce.backorders import queueing  # for products that somebody may wait for

    parts = queueing.set_aside(tenant, key.variant_id, units, stocks)
    found = sum(part.quantity for part in parts)
    if found < units and not product.may_wait:
        raise insufficient(product.name, found)
    return parts


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
