"""CA-01…05, CA-08, MO-01…03, OR-01…03, OR-06, NT-03, TR-01: from the cart to a tracked order."""

from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel.caller import Role
from tests.invariants import check
from tests.shop import OTHER_TENANT, Call, Credential, customer_credential

ADDRESS = {"name": "Jane Doe", "street": "123 Main St", "city": "Springfield", "state": "IL", "zip": "62701"}


@pytest.fixture(autouse=True)
def _money_and_stock_add_up(table: Any) -> Any:
    yield
    check(table.scan()["Items"])


@pytest.fixture
def shirt(call: Call) -> Any:
    """A T-shirt at 29.99: five in the first warehouse, three in the second."""
    product = call(
        "v2/catalog/create_product", body={"name": "Custom T-Shirt", "sku": "TEE", "price": Decimal("29.99")}
    ).body
    for warehouse, units in (("wh_001", 5), ("wh_002", 3)):
        call(
            "v2/inventory/adjust_inventory",
            product_id=product["id"],
            body={"quantity": units, "reason": "restock", "location": warehouse},
        )
    return product


@pytest.fixture
def jane(call: Call) -> Credential:
    body = {
        "email": "Jane@example.com",
        "first_name": "Jane",
        "last_name": "Doe",
        "addresses": [
            {
                "first_name": "Jane",
                "last_name": "Doe",
                "address1": "123 Main St",
                "city": "Springfield",
                "state": "IL",
                "postal_code": "62701",
            }
        ],
    }
    answered = call("v2/customers/create_customer", body=body)
    assert answered.status == 201, answered.text
    return customer_credential(answered.body["id"])


def levels(call: Call, product: Any) -> dict[str, tuple[int, int]]:
    body = call("v2/inventory/get_inventory", product_id=product["id"]).body
    return {place["warehouse_id"]: (place["available"], place["reserved"]) for place in body["locations"]}


def add(call: Call, who: Credential, product: Any, quantity: int) -> Any:
    return call(
        "storefront/carts/add_cart_item", credential=who, body={"product_id": product["id"], "quantity": quantity}
    )


def test_an_empty_cart_is_zeros(call: Call, jane: Credential) -> None:
    cart = call("storefront/carts/get_cart", credential=jane).body["data"]

    assert cart["items"] == []
    assert (cart["subtotal"], cart["discount"], cart["total"]) == (0, 0, 0)


def test_adding_the_same_item_again_adds_to_it(call: Call, jane: Credential, shirt: Any) -> None:
    add(call, jane, shirt, 1)
    cart = add(call, jane, shirt, 1).body["data"]

    assert [(item["quantity"], item["subtotal"]) for item in cart["items"]] == [(2, Decimal("59.98"))]
    assert cart["total"] == Decimal("59.98")


def test_an_item_is_set_and_removed_by_its_id_or_its_products(call: Call, jane: Credential, shirt: Any) -> None:
    item = add(call, jane, shirt, 1).body["data"]["items"][0]

    by_id = call(
        "storefront/carts/set_cart_item", method="PATCH", credential=jane, item_id=item["id"], body={"quantity": 3}
    )
    by_product = call(
        "storefront/carts/set_cart_item", method="PUT", credential=jane, item_id=shirt["id"], body={"quantity": 2}
    )
    removed = call("storefront/carts/remove_cart_item", credential=jane, item_id=item["id"])
    missing = call("storefront/carts/remove_cart_item", credential=jane, item_id=item["id"])

    assert by_id.body["data"]["items"][0]["quantity"] == 3
    assert by_product.body["data"]["items"][0]["quantity"] == 2
    assert removed.body["data"]["items"] == []
    assert missing.status == 404


def test_clearing_empties_the_cart(call: Call, jane: Credential, shirt: Any) -> None:
    add(call, jane, shirt, 2)

    assert call("storefront/carts/clear_cart", credential=jane).body["data"]["items"] == []
    assert call("storefront/carts/get_cart", credential=jane).body["data"]["items"] == []


def test_the_cart_checks_what_is_available_and_reserves_nothing(call: Call, jane: Credential, shirt: Any) -> None:
    too_many = add(call, jane, shirt, 9)
    add(call, jane, shirt, 8)

    assert (too_many.status, too_many.body["error"]["details"][0]["code"]) == (409, "insufficient_stock")
    assert levels(call, shirt) == {"wh_001": (5, 0), "wh_002": (3, 0)}


def test_checkout_makes_one_order_reserves_its_stock_and_empties_the_cart(
    call: Call, jane: Credential, shirt: Any
) -> None:
    add(call, jane, shirt, 2)

    placed = call("storefront/carts/checkout_cart", credential=jane)
    again = call("storefront/carts/checkout_cart", credential=jane)

    assert placed.status == 201
    assert placed.body["data"]["status"] == "pending_payment"
    assert placed.body["data"]["total"] == Decimal("59.98")
    assert levels(call, shirt) == {"wh_001": (3, 2), "wh_002": (3, 0)}
    assert (again.status, again.body["error"]["details"][0]["code"]) == (422, "cart_empty")
    assert call("storefront/carts/get_cart", credential=jane).body["data"]["items"] == []


def test_checkout_with_the_same_key_is_the_same_order(call: Call, jane: Credential, shirt: Any) -> None:
    add(call, jane, shirt, 1)
    key = {"Idempotency-Key": "checkout-1"}

    first = call("storefront/carts/checkout_cart", credential=jane, headers=key)
    second = call("storefront/carts/checkout_cart", credential=jane, headers=key)

    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(call("storefront/orders/list_my_orders", credential=jane).body["data"]) == 1


def test_the_same_key_with_another_body_is_a_conflict(call: Call, jane: Credential, shirt: Any) -> None:
    key = {"Idempotency-Key": "add-1"}
    body = {"product_id": shirt["id"], "quantity": 1}
    call("storefront/carts/add_cart_item", credential=jane, headers=key, body=body)

    other = call("storefront/carts/add_cart_item", credential=jane, headers=key, body=body | {"quantity": 2})

    assert (other.status, other.body["error"]["details"][0]["code"]) == (409, "idempotency_mismatch")


def test_an_order_is_served_from_one_warehouse_if_one_has_all_of_it_and_else_from_several(
    call: Call, jane: Credential, shirt: Any
) -> None:
    add(call, jane, shirt, 7)
    call("storefront/carts/checkout_cart", credential=jane)

    assert levels(call, shirt) == {"wh_001": (0, 5), "wh_002": (1, 2)}


def test_a_merchant_places_an_order_that_waits_as_pending(call: Call, jane: Credential, shirt: Any) -> None:
    body = {
        "customer_id": jane.customer_id,
        "items": [{"product_id": shirt["id"], "quantity": 2}],
        "shipping_address": ADDRESS,
    }
    placed = call("admin/orders/create_order", body=body)

    assert placed.status == 201
    assert (placed.body["data"]["status"], placed.body["data"]["total"]) == ("pending", Decimal("59.98"))


def test_a_customer_orders_for_themselves_only(call: Call, jane: Credential, shirt: Any) -> None:
    body = {"items": [{"product_id": shirt["id"], "quantity": 1}]}

    own = call("storefront/orders/place_my_order", credential=jane, body=body)
    others = call("storefront/orders/place_my_order", credential=jane, body=body | {"customer_id": "cust_other"})

    assert (own.status, own.body["data"]["status"]) == (201, "pending_payment")
    assert others.status == 403


def test_anothers_order_does_not_exist_for_a_customer(call: Call, jane: Credential, shirt: Any) -> None:
    body = {"items": [{"product_id": shirt["id"], "quantity": 1}]}
    order_id = call("storefront/orders/place_my_order", credential=jane, body=body).body["data"]["id"]
    stranger = customer_credential("cust_stranger")

    theirs = call("storefront/orders/get_my_order", credential=stranger, order_id=order_id)
    missing = call("storefront/orders/get_my_order", credential=stranger, order_id="order_missing")
    other_tenant = call("admin/orders/get_order", credential=Credential(tenant=OTHER_TENANT), order_id=order_id)

    assert (theirs.status, missing.status, other_tenant.status) == (404, 404, 404)
    assert theirs.body == missing.body == other_tenant.body


def test_a_customer_token_opens_no_admin_route(call: Call, jane: Credential) -> None:
    answered = call("admin/orders/list_orders", credential=jane)

    assert (answered.status, answered.body["error"]["code"]) == (403, "authorization_error")
    assert answered.body["success"] is False


def test_an_order_shows_its_items_customer_and_timeline(call: Call, jane: Credential, shirt: Any) -> None:
    add(call, jane, shirt, 2)
    order_id = call("storefront/carts/checkout_cart", credential=jane).body["data"]["order_id"]

    order = call("admin/orders/get_order", order_id=order_id).body["data"]
    by_alias = call("admin/orders/get_order", order_id=order_id.replace("order_", "ord_")).body["data"]
    timeline = call("admin/orders/get_timeline", order_id=order_id).body["data"]
    mine = call("storefront/orders/get_my_order", credential=jane, order_id=order_id).body["data"]

    assert order == by_alias
    assert order["customer"] == {"id": jane.customer_id, "email": "Jane@example.com", "name": "Jane Doe"}
    assert [(item["name"], item["quantity"]) for item in order["items"]] == [("Custom T-Shirt", 2)]
    assert [(event["type"], event["status"]) for event in timeline] == [("status_change", "pending_payment")]
    assert order["timeline"] == timeline
    assert order["shipping_address"]["street"] == "123 Main St"
    assert "payment_intent_id" not in mine
    assert "actor" not in mine["timeline"][0]


def test_orders_are_listed_by_status_and_by_customer(call: Call, jane: Credential, shirt: Any) -> None:
    body = {"items": [{"product_id": shirt["id"], "quantity": 1}], "shipping_address": ADDRESS}
    waiting = call("storefront/orders/place_my_order", credential=jane, body=body).body["data"]["id"]
    pending = call("admin/orders/create_order", body=body | {"customer_id": jane.customer_id}).body["data"]["id"]

    def listed(**query: str) -> list[str]:
        return [row["id"] for row in call("admin/orders/list_orders", query=query).body["data"]]

    assert listed() == [pending, waiting]
    assert listed(status="pending") == [pending]
    assert listed(status="pending_payment", customer_id=str(jane.customer_id)) == [waiting]
    assert listed(customer_id="cust_other") == []
    assert listed(limit="1", offset="1") == [waiting]
    assert [row["id"] for row in call("storefront/orders/list_my_orders", credential=jane).body["data"]] == [
        pending,
        waiting,
    ]


def test_tracking_needs_both_the_id_and_the_email(call: Call, jane: Credential, shirt: Any) -> None:
    body = {"items": [{"product_id": shirt["id"], "quantity": 2}]}
    order_id = call("storefront/orders/place_my_order", credential=jane, body=body).body["data"]["id"]
    shop = {"orgid": "ten_1"}

    def track(order: str, email: str) -> Any:
        return call("storefront/tracking/track_order", headers=shop, query={"order_id": order, "email": email})

    found = track(order_id, "jane@EXAMPLE.com")
    wrong_email, wrong_id = track(order_id, "eve@example.com"), track("order_missing", "jane@example.com")

    assert found.status == 200
    assert found.body["data"]["items"] == [{"name": "Custom T-Shirt", "quantity": 2, "status": "pending"}]
    assert "29.99" not in found.text
    assert (wrong_email.status, wrong_id.status) == (404, 404)
    assert wrong_email.body == wrong_id.body
    assert call("storefront/tracking/track_order", query={"order_id": order_id, "email": "a@b.c"}).status == 400


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"items": []}, 422, "too_short"),
        ({"items": [{"product_id": "prod_missing", "quantity": 1}]}, 422, "unknown_product"),
        ({"items": [{"product_id": "P", "quantity": -1}]}, 422, "greater_than_equal"),
        ({"items": [{"product_id": "P", "quantity": "2"}]}, 422, "int_type"),
        ({"items": [{"product_id": "P", "quantity": 1}] * 1000}, 422, "too_long"),
        ({"items": [{"product_id": "P", "quantity": 1, "price": 1}]}, 422, "unknown_field"),
        ({"items": [{"product_id": "P", "quantity": 9}]}, 409, "insufficient_stock"),
        ({"items": [{"product_id": "P", "quantity": 1, "variant_id": "var_other"}]}, 422, "unknown_variant"),
        ({"total": 1}, 422, "unknown_field"),
        ({"customer_id": "cust_missing"}, 422, "unknown_customer"),
        ({"shipping_address": ADDRESS | {"name": "4242 4242 4242 4242"}}, 422, "card_number"),
        ({"shipping_address": {"city": "Springfield"}}, 422, "value_error"),
    ],
)
def test_a_bad_order_is_refused_and_nothing_is_written(
    call: Call, table: Any, jane: Credential, shirt: Any, change: dict[str, Any], status: int, code: str
) -> None:
    body = {
        "customer_id": jane.customer_id,
        "items": [{"product_id": shirt["id"], "quantity": 1}],
        "shipping_address": ADDRESS,
    }
    for item in change.get("items", []):
        item["product_id"] = item["product_id"].replace("P", shirt["id"])
    before = table.scan()["Items"]

    answered = call("admin/orders/create_order", body=body | change)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (status, code)
    assert answered.body["success"] is False
    assert table.scan()["Items"] == before


def test_a_role_outside_the_surface_is_refused_before_its_body_is_read(call: Call) -> None:
    merchant = Credential(role=Role.API_KEY)

    answered = call("storefront/carts/add_cart_item", credential=merchant, body="{not json")

    assert answered.status == 403
