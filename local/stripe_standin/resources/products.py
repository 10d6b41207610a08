"""/v1/products"""

from stripe.params import (
    ProductCreateParams,
    ProductDeleteParams,
    ProductListParams,
    ProductRetrieveParams,
    ProductUpdateParams,
)

from .. import ids
from ..accounts import Account, change
from ..errors import invalid_request
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject
from . import prices

PLAIN = (
    "active", "description", "images", "marketing_features", "package_dimensions", "shippable",
    "statement_descriptor", "tax_code", "unit_label", "url",
)  # fmt: skip
HONOURED = frozenset({*PLAIN, "id", "name", "metadata", "default_price_data", "type"})


def create(call: Call) -> JsonObject:
    """POST /v1/products, with its first price if ``default_price_data`` is given."""
    product = make(call.account, call.params)
    given = call.params.get("default_price_data")
    if given:
        price = prices.make(call.account, given | {"product": product["id"]})
        product["default_price"] = price["id"]
    return product


def make(account: Account, params: JsonObject) -> JsonObject:
    """Store a new product and say so; raise ``resource_already_exists`` for an id that is taken."""
    product_id = params.get("id") or f"prod_{ids.random_text(14)}"
    if account.find("product", product_id) is not None:
        raise invalid_request(f"Product already exists: {product_id}", code="resource_already_exists", param="id")
    product = account.add(
        "product",
        {
            "id": product_id,
            "active": True,
            "default_price": None,
            "description": None,
            "images": [],
            "marketing_features": [],
            "metadata": merged({}, params),
            "name": params["name"],
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "tax_details": None,
            "type": params.get("type", "service"),
            "unit_label": None,
            "updated": account.now(),
            "url": None,
        }
        | {name: params[name] for name in PLAIN if name in params},
    )
    account.emit("product.created", product)
    return product


def retrieve(call: Call) -> JsonObject:
    """GET /v1/products/{id}"""
    return call.account.get("product", call.path["id"])


def update(call: Call) -> JsonObject:
    """POST /v1/products/{id}"""
    account, params, product = call.account, call.params, retrieve(call)
    members: JsonObject = {name: params[name] for name in (*PLAIN, "name") if name in params}
    members["metadata"] = merged(product["metadata"], params)
    for name in ("images", "marketing_features"):
        if name in members:
            members[name] = members[name] or []
    if "default_price" in params:
        price = account.get("price", params["default_price"], param="default_price", status=400)
        if price["product"] != product["id"]:
            raise invalid_request(
                f"The price {price['id']} does not belong to the product {product['id']}.", param="default_price"
            )
        members["default_price"] = price["id"]
    previous = change(product, members)
    if previous:
        previous |= change(product, {"updated": account.now()})
        account.emit("product.updated", product, previous)
    return product


def delete(call: Call) -> JsonObject:
    """DELETE /v1/products/{id}; one that has prices stays."""
    product = retrieve(call)
    if any(price["product"] == product["id"] for price in call.account.newest_first("price")):
        raise invalid_request("This product cannot be deleted because it has one or more user-created prices.")
    del call.account.objects["product"][product["id"]]
    call.account.emit("product.deleted", product)
    return {"id": product["id"], "object": "product", "deleted": True}


def list_all(call: Call) -> JsonObject:
    """GET /v1/products, by ``active``, ``shippable``, ``url`` and ``ids``."""
    products = call.account.newest_first("product")
    for name in ("active", "shippable", "url", "type"):
        if name in call.params:
            products = [product for product in products if product[name] == call.params[name]]
    if "ids" in call.params:
        products = [product for product in products if product["id"] in call.params["ids"]]
    return page("/v1/products", products, call.params)


ROUTES = (
    Route("POST", "/v1/products", ProductCreateParams, create, HONOURED),
    Route("GET", "/v1/products", ProductListParams, list_all),
    Route("GET", "/v1/products/{id}", ProductRetrieveParams, retrieve),
    Route(
        "POST",
        "/v1/products/{id}",
        ProductUpdateParams,
        update,
        HONOURED - {"id", "type", "default_price_data"} | {"default_price"},
    ),
    Route("DELETE", "/v1/products/{id}", ProductDeleteParams, delete),
)
