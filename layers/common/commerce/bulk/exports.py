"""The rows of exports, a page at a time, each list in its own order (contract BU-02, BU-05)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from commerce.catalog import finding
from commerce.catalog import store as catalog
from commerce.catalog.finding import FindProducts
from commerce.catalog.model import Product, ProductStatus
from commerce.counters import store as counters
from commerce.inventory import store as stocks
from commerce.inventory.model import Stock, StockKey
from commerce.jobs.model import JobType
from commerce.kernel.caller import Tenant
from commerce.kernel.criteria import Criteria, Filter, Operator
from commerce.kernel.paging import Page, PageRequest
from commerce.orders import queries as orders
from commerce.orders.model import ListedOrder
from commerce.orders.queries import FindOrders

type Record = dict[str, Any]

PAGE = 500  # products or orders
_EVERY_STATUS = Criteria(filters=(Filter("status", Operator.IN, tuple(map(str, ProductStatus))),))


@dataclass(frozen=True, slots=True)
class Extract:
    """Some rows of an export, made out of ``read`` products or orders; the next ones begin at ``position``."""

    records: list[Record]
    read: int
    position: str | None


def extracts(tenant: Tenant, type: JobType, position: str) -> Iterator[Extract]:
    """All rows of an export from ``position`` on; empty: from the first one.

    A position is a cursor of the list, so that rows that come and go meanwhile move no others.
    """
    following: str | None = position
    while following is not None:
        page, records = _PAGES[type](tenant, PageRequest(PAGE, cursor=following or None))
        following = page.next_cursor
        yield Extract(records, len(page.items), following)


def total(tenant: Tenant, type: JobType) -> int:
    """How many products or orders an export reads, as far as the counters know by now."""
    if type is JobType.ORDER_EXPORT:
        return orders.count(tenant)["total"]
    names = [catalog.counted(catalog.list_name(catalog.BY_STATUS, (str(status),))) for status in ProductStatus]
    return sum(counters.read(tenant, name).get("all", 0) for name in names)


def _products(tenant: Tenant, request: PageRequest) -> tuple[Page[Product], list[Record]]:
    page = finding.find(tenant, FindProducts(request, _EVERY_STATUS))
    return page, [_product(product) for product in page.items]


def _product(product: Product) -> Record:
    return {
        "id": product.product_id,
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": product.price.major,
        "currency": product.price.currency,
        "status": str(product.status),
        "categories": list(product.categories),
        "variant_skus": [variant.sku for variant in product.variants],
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def _inventory(tenant: Tenant, request: PageRequest) -> tuple[Page[Product], list[Record]]:
    """What each warehouse has of each variant; where it never had any, there is no row."""
    page = finding.find(tenant, FindProducts(request, _EVERY_STATUS))
    places = [
        (product, variant.sku, StockKey(product.product_id, variant.variant_id, warehouse_id))
        for product in page.items
        for variant in product.sellable
        for warehouse_id in tenant.warehouses
    ]
    found = stocks.find_all(tenant, [key for _, _, key in places])
    return page, [_stock(product, sku, found[key]) for product, sku, key in places if key in found]


def _stock(product: Product, sku: str, stock: Stock) -> Record:
    return {
        "product_id": product.product_id,
        "variant_id": stock.key.variant_id,
        "sku": sku,
        "name": product.name,
        "location": stock.key.warehouse_id,
        "available": stock.available,
        "reserved": stock.reserved,
        "on_hand": stock.on_hand,
    }


def _orders(tenant: Tenant, request: PageRequest) -> tuple[Page[ListedOrder], list[Record]]:
    page = orders.find(tenant, FindOrders(request))
    return page, [_order(order) for order in page.items]


def _order(order: ListedOrder) -> Record:
    return {
        "id": order.order_id,
        "customer_id": order.customer_id,
        "status": str(order.status),
        "payment_status": str(order.payment_status),
        "fulfillment_status": str(order.fulfillment_status),
        "currency": order.currency,
        "total": order.total.major,
        "refunded": order.refunded.major,
        "items_count": order.units,
        "created_at": order.placed_at,
        "updated_at": order.updated_at,
    }


_PAGES: dict[JobType, Callable[[Tenant, PageRequest], tuple[Page[Any], list[Record]]]] = {
    JobType.PRODUCT_EXPORT: _products,
    JobType.ORDER_EXPORT: _orders,
    JobType.INVENTORY_EXPORT: _inventory,
}
