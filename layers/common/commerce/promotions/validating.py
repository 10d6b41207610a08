"""What a coupon would take off, without an order (contract CP-03, X-14)."""

from dataclasses import dataclass

from commerce.catalog import store as catalog
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Invalid
from commerce.kernel.money import Money
from commerce.promotions import store
from commerce.promotions.model import Coupon, Item, Refusal, Shopper, WantedCoupon, discounted, judged_without


@dataclass(frozen=True, slots=True)
class BoughtItem:
    product_id: str
    variant_id: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class ValidateCoupon:
    """Without ``items`` the order's worth is all that is known of it; without a customer nothing of who buys."""

    code: str
    order_total: Money
    customer_id: str | None = None
    items: tuple[BoughtItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Validated:
    """What it would take off now. ``conditional`` names the terms that nobody could judge, and that are taken as met;
    ``reason`` says why it does not hold."""

    code: str
    coupon: Coupon | None
    discount: Money
    new_total: Money
    reason: Refusal | None
    conditional: tuple[str, ...]


def validate(tenant: Tenant, command: ValidateCoupon) -> Validated:
    """Judge a coupon; no use of it is counted. Automatic discounts are not looked at.

    Raises:
        Invalid: no such product or variant.
    """
    customer_id = command.customer_id or ""
    offers = store.offers(tenant, customer_id, [command.code])
    coupon = offers.coupons[0].coupon
    judged, conditional = (
        (None, ())
        if coupon is None
        else judged_without(coupon, items=bool(command.items), shopper=command.customer_id is not None)
    )
    items = _items(tenant, command.items) or [Item("", "", (), 1, command.order_total)]
    shopper = Shopper(orders=offers.standing_orders, uses=offers.uses)
    zero = Money.zero(tenant.currency)
    found = discounted(items, (), [WantedCoupon(command.code, judged)], shopper, zero, clock.now())
    discount = min(found.amount, command.order_total)
    return Validated(
        code=command.code if coupon is None else coupon.code,
        coupon=coupon,
        discount=discount,
        new_total=command.order_total - discount,
        reason=found.refused[0].reason if found.refused else None,
        conditional=conditional,
    )


def _items(tenant: Tenant, bought: tuple[BoughtItem, ...]) -> list[Item]:
    products = catalog.find_all(tenant, [each.product_id for each in bought]) if bought else {}
    items = dict[tuple[str, str], Item]()
    for index, each in enumerate(bought):
        product = products.get(each.product_id)
        if product is None:
            raise Invalid("No such product", field=f"items.{index}.product_id", reason="unknown_product")
        variant = product.variant(each.variant_id)
        quantity = each.quantity
        rank = (product.product_id, variant.variant_id)
        if rank in items:
            quantity += items[rank].quantity
        items[rank] = Item(*rank, product.categories, quantity, product.price_of(variant))
    return list(items.values())
