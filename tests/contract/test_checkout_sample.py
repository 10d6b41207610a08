"""SC-03: the documented checkout, key for key and type for type, in both directions (contract 5.3, X-37).

``checkout.json`` is the documented answer. Unlike elsewhere, fields of our own are not added to it.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commerce.checkouts.contracts import CheckoutOut
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel import wire_json
from commerce.kernel.money import Money
from commerce.table.transaction import run
from tests.contract.endpoints import endpoints
from tests.contract.shops import Shop
from tests.shop import MERCHANT, Call

SAMPLE = wire_json.loads((Path(__file__).parent / "checkout.json").read_text())
# What no shop has yet, so that these lists are always empty.
EMPTY = {
    *("cart.coupons", "cart.discounts", "coupons", "taxes", "billingAddress.customFields"),
    *("cart.lineItems[].digitalItems", "cart.lineItems[].customItems", "cart.lineItems[].physicalItems[].discounts"),
    *("consignments[].couponDiscounts", "consignments[].discounts", "consignments[].address.customFields"),
}

type Tree = dict[str, "Tree"] | list["Tree"] | str


def tree(value: Any) -> Tree:
    """Names and JSON types of a document; of a list those of its rows, which must be alike."""
    if isinstance(value, dict):
        return {name: tree(inner) for name, inner in value.items()}
    if isinstance(value, list):
        rows = [tree(row) for row in value]
        assert all(row == rows[0] for row in rows)
        return rows[:1]
    names = {bool: "boolean", int: "number", Decimal: "number", str: "string"}
    return names[type(value)]


def tree_of_schema(schema: dict[str, Any], known: dict[str, Any]) -> Tree:
    """The same, as a JSON schema describes it."""
    if "$ref" in schema:
        return tree_of_schema(known[schema["$ref"].rsplit("/", 1)[1]], known)
    if schema["type"] == "object":
        properties = schema.get("properties", {})
        assert set(schema.get("required", [])) == set(properties)
        return {name: tree_of_schema(inner, known) for name, inner in properties.items()}
    if schema["type"] == "array":
        return [tree_of_schema(schema["items"], known)]
    return "number" if schema["type"] == "integer" else str(schema["type"])


def paths(value: Tree, above: str = "") -> dict[str, str]:
    """Every name in a tree with its type; lists that have no rows are there themselves."""
    if isinstance(value, dict):
        inner = {f"{above}.{name}".lstrip("."): each for name, each in value.items()}
        return {above: "object"} | {k: v for path, each in inner.items() for k, v in paths(each, path).items()}
    if isinstance(value, list):
        return {above: "array"} | (paths(value[0], f"{above}[]") if value else {})
    return {above: value}


def test_the_model_of_a_checkout_has_the_documented_names_and_types_and_no_others() -> None:
    schema = CheckoutOut.model_json_schema(mode="serialization")

    assert paths(tree_of_schema(schema, schema["$defs"])) == paths(tree(SAMPLE["data"]))


@pytest.mark.parametrize("ordered", [False, True], ids=["open", "ordered"])
@pytest.mark.parametrize("full", [False, True], ids=["a shirt alone", "everything there is"])
def test_a_checkout_has_the_documented_names_and_types_and_no_others(call: Call, full: bool, ordered: bool) -> None:
    shop = Shop(call).open()
    jane = shop.customer()
    shirt = shop.product("TEE", Decimal("29.99"), stock=5)["id"]
    bought = {"amount": 25, "recipient": {"email": "bob@example.com"}}
    body = {"lineItems": [{"productId": shirt, "quantity": 2}], "giftCertificates": [bought] if full else []}

    def ask(route: str, body: Any = None) -> Any:
        path = {"checkout_id": checkout_id} if "{checkout_id}" in route else {}
        answered = endpoints()[route].ask(call, credential=jane, body=body, **path)
        assert answered.status in (200, 201), answered.text
        return answered.body

    checkout_id = ""
    checkout_id = ask("POST /api/storefront/carts", body)["data"]["checkoutId"]
    if full:
        card = run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(1000, "USD"))))
        ask(
            "POST /api/storefront/checkouts/{checkout_id}/gift-certificates",
            {"giftCertificateCode": card.card.serial, "pin": card.pin},
        )
        address = {"firstName": "Jane", "lastName": "Doe", "address1": "1 High St", "city": "Springfield"}
        ask("PUT /api/storefront/checkouts/{checkout_id}/billing-address", address)
    answer = ask("POST /api/storefront/checkouts/{checkout_id}/store-credit")
    if ordered:
        answer = ask("POST /api/storefront/checkouts/{checkout_id}/orders")

    assert set(answer) == set(SAMPLE)
    shown, wanted = paths(tree(answer["data"])), paths(tree(SAMPLE["data"]))
    absent = EMPTY if full else EMPTY | {"giftCertificates", "cart.lineItems[].giftCertificate"}
    assert {path for path in absent if shown[path] == "array"} == absent
    assert shown == {
        path: kind for path, kind in wanted.items() if not any(path.startswith(f"{each}[]") for each in absent)
    }
