"""Pages in browsers that call the API from another origin: preflights, and what answers let them read."""

from typing import Any

import pytest

from tests.shop import Call, handler

SHOP = "https://shop.example.com"


def preflight(origin: str | None) -> Any:
    headers = {} if origin is None else {"origin": origin, "access-control-request-method": "POST"}
    return handler("cors/preflight/answer_preflight").handler({"resource": "/cart/items", "headers": headers}, None)


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"{SHOP},https://pos.example.com")


@pytest.mark.usefixtures("allowed")
def test_a_page_of_the_shop_may_call_with_its_own_headers() -> None:
    answer = preflight(SHOP)

    assert (answer["statusCode"], answer["headers"]["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert answer["headers"]["Vary"] == "Origin"
    for header in ("Authorization", "Idempotency-Key", "If-Match", "X-Currency"):
        assert header in answer["headers"]["Access-Control-Allow-Headers"]


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://shop.example.com.evil.example", "http://shop.example.com", "null", None]
)
def test_a_page_from_anywhere_else_may_not(origin: str | None) -> None:
    answer = preflight(origin)

    assert answer["statusCode"] == 204
    assert not [name for name in answer["headers"] if name.startswith("Access-Control")]


@pytest.mark.usefixtures("allowed")
def test_a_page_reads_answers_and_refusals_with_their_headers(call: Call) -> None:
    listed = call("v2/catalog/list_products", headers={"Origin": SHOP})
    refused = call("v2/catalog/get_product", id="prod_none", headers={"Origin": SHOP})
    foreign = call("v2/catalog/list_products", headers={"Origin": "https://evil.example"})

    assert [each.headers["Access-Control-Allow-Origin"] for each in (listed, refused)] == [SHOP, SHOP]
    assert "X-Request-Id" in refused.headers["Access-Control-Expose-Headers"]
    assert refused.status == 404
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_without_configured_origins_no_page_may_call(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORS_ORIGINS", raising=False)

    assert "Access-Control-Allow-Origin" not in call("v2/catalog/list_products", headers={"Origin": SHOP}).headers


def test_a_star_allows_every_page(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "*")

    assert call("v2/catalog/list_products", headers={"Origin": SHOP}).headers["Access-Control-Allow-Origin"] == "*"
