"""The local stack itself: what it serves, what it refuses, and that it keeps its data."""

import time

import httpx
import pytest

from local import demo_catalogue
from local.stack.console import Console
from local.stack.settings import Ports, Settings, StackError
from local.stack.shop import call
from local.stack.stack import Shop, Stack
from tests.integration.conftest import Running

PRODUCTS = len(list(demo_catalogue.products()))


def assert_canonical(answer: httpx.Response, status: int, code: str) -> None:
    """The gateway's own error: both envelopes can read it, and its request id is in the header too."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert answer.json()["success"] is False
    assert set(error) == {"code", "message", "details", "request_id"}
    assert error["code"] == code
    assert error["request_id"] == answer.headers["x-request-id"] != ""


def test_the_platform_says_that_it_is_well(stack: Running) -> None:
    answer = stack.as_anybody("GET", "/v2/health")

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer test_x_y"}, {"Authorization": "Basic eDp5"}])
def test_nobody_reads_the_catalogue_without_a_credential(stack: Running, headers: dict[str, str]) -> None:
    assert_canonical(stack.as_anybody("GET", "/v2/products", headers=headers), 401, "authentication_error")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v2/nothing"), ("GET", "/")])
def test_a_route_that_does_not_exist_is_not_found(stack: Running, method: str, path: str) -> None:
    assert_canonical(stack.as_owner(method, path), 404, "not_found")


def test_a_method_that_a_route_does_not_have_is_refused_with_those_that_it_has(stack: Running) -> None:
    answer = stack.as_owner("PATCH", "/v2/health")

    assert_canonical(answer, 405, "validation_error")
    assert answer.headers["allow"] == "GET, OPTIONS"


def test_a_body_beyond_the_gateways_limit_is_refused_before_any_function_sees_it(stack: Running) -> None:
    answer = stack.as_owner("POST", "/v2/products", content=b" " * (10 * 1024 * 1024 + 1))

    assert_canonical(answer, 413, "validation_error")


def test_the_docs_page_opens(stack: Running) -> None:
    answer = stack.as_anybody("GET", "/docs")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_the_demo_shop_is_stocked_in_two_warehouses(stack: Running) -> None:
    listed = stack.as_owner("GET", "/v2/products", params={"limit": "100"}).json()

    assert listed["pagination"]["total_items"] >= PRODUCTS >= 40
    product = stack.as_owner("GET", "/v2/products/TEE-HARBOR").json()
    assert len(product["variants"]) == 15
    locations = stack.as_owner("GET", f"/v2/inventory/{product['id']}").json()["locations"]
    assert [each["warehouse_id"] for each in locations if each["available"] > 0] == ["wh_001", "wh_002"]


def test_a_product_without_variants_is_in_stock_too(stack: Running) -> None:
    product = stack.as_owner("GET", "/v2/products/MAP-COAST").json()

    assert product["variants"][0]["inventory"] > 0


def test_the_demo_customers_live_somewhere(stack: Running) -> None:
    listed = stack.as_owner("GET", "/v2/customers").json()

    assert len(listed["data"]) >= 8
    customer = stack.as_owner("GET", f"/v2/customers/{stack.customer_id}").json()
    assert customer["addresses"][0]["city"] == "New York"


def test_a_customers_token_opens_the_portal_and_nothing_of_the_merchants(stack: Running) -> None:
    assert stack.as_customer("GET", "/cart").status_code == 200
    assert stack.as_customer("GET", "/admin/orders").status_code == 403


def test_a_token_that_another_issuer_signed_is_refused(stack: Running) -> None:
    token = stack.issuer.sign({"sub": "x", "iss": "http://elsewhere", "tenant": stack.tenant, "role": "customer"})

    assert_canonical(stack.as_customer("GET", "/cart", token), 401, "authentication_error")


def test_query_and_headers_reach_the_function_as_they_were_sent(stack: Running) -> None:
    answer = stack.as_anybody("GET", "/v2/health?%62=%2B", headers={"X-Request-Id": "asked-for"})

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "b"
    assert answer.headers["x-request-id"] == "asked-for"


def test_a_taken_port_is_named_with_the_variable_that_moves_it(stack: Running) -> None:
    with pytest.raises(StackError, match=f"Port {stack.settings.ports.front_door}.*\n.*TILL_PORT="):
        stack.settings.ports.require_free()


def wait_until_counted(shop: Shop) -> None:
    """Wait for the table's stream: what is under way in it does not outlive the emulator."""
    for _ in range(120):
        listed = call(shop.url, "GET", "/v2/products", shop.api_key).json()
        if listed["pagination"]["total_items"] == PRODUCTS + 1:
            return
        time.sleep(0.5)
    raise AssertionError(f"{listed['pagination']['total_items']} products are counted after a minute")


def test_data_and_keys_outlive_a_stop(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(Ports.free(), home=tmp_path_factory.mktemp("kept"))
    with Stack(settings, Console(quiet=True), command="pytest").running() as first:
        body = {"name": "Kept", "sku": "KEPT-1", "price": 1}
        assert call(first.url, "POST", "/v2/products", first.api_key, json=body).status_code == 201
        wait_until_counted(first)

    with Stack(settings, Console(quiet=True), command="pytest").running() as second:
        assert second == first
        assert call(second.url, "GET", "/v2/products/KEPT-1", second.api_key).json()["name"] == "Kept"
        listed = call(second.url, "GET", "/v2/products", second.api_key).json()
        assert listed["pagination"]["total_items"] == PRODUCTS + 1
        assert call(second.url, "GET", "/cart", second.customer_token).status_code == 200
