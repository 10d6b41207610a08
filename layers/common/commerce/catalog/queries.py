"""Reading the catalogue for those who sell from it."""

from commerce.catalog import store
from commerce.catalog.model import Product
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Invalid


def for_sale(tenant: Tenant, product_ids: list[str]) -> dict[str, Product]:
    """The named products, all of them on sale.

    Raises:
        Invalid: one does not exist; the field says which of the items.
        Conflict: one is not for sale.
    """
    products = store.find_all(tenant, product_ids)
    for index, product_id in enumerate(product_ids):
        if product_id not in products:
            raise Invalid("No such product", field=f"items.{index}.product_id", reason="unknown_product")
        products[product_id].require_for_sale()
    return products
