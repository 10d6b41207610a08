"""What the headers of any request may say, and what browsers are told: the same on every route."""

from typing import Any

import pytest

from tests.matrix.gateway import Gateway, description
from tests.matrix.good_requests import GOOD, OAUTH, Good, name_of
from tests.matrix.world import Stage, World

SHOP, ELSEWHERE = "https://shop.example.com", "https://evil.example"
# Pages and scripts of ours, and what Stripe calls: no page elsewhere has a reason to.
NOT_FOR_PAGES = {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}
WRONG = [
    ("X-Currency", "XYZ"),
    ("X-Currency", ""),
    ("X-Region", "MARS"),
    ("X-Timezone", "Mars/Olympus_Mons"),
    ("X-Timezone", "../../etc/passwd"),
    ("X-Timezone", "/usr/share/zoneinfo/UTC"),
    ("X-Language-Fallback", "tlh"),
]
ODD_LANGUAGES = ["", "*", "tlh", "en;q=oops", "tlh-AT;q=0.5, *;q=0.1", ",,;;==", "x" * 4000, "fr;q=0", "日本語"]


@pytest.mark.parametrize("good", GOOD.values(), ids=name_of)
def test_a_demand_that_cannot_be_met_is_refused_and_leaves_nothing(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        before = stage.effect()

        for name, value in WRONG:
            answered = good.send(world, sent, **{name: value})

            assert answered.status == 422, f"{name}: {value}: {answered.status} {answered.text}"
            _require_refusal(good, answered.body, name)

        stage.effect().require(before)


def _require_refusal(good: Good, body: dict[str, object], field: str) -> None:
    """In the envelope of its surface, naming the header."""
    if good.name in OAUTH:
        assert set(body) == {"error", "error_description"}
        return
    error = good.endpoint.error_in(body)
    assert error["code"] == "validation_error"
    assert [detail["field"] for detail in error["details"]] == [field]


@pytest.mark.parametrize("good", GOOD.values(), ids=name_of)
def test_a_wish_that_nobody_can_read_is_no_reason_to_refuse(good: Good, stage: Stage) -> None:
    language = ODD_LANGUAGES[len(good.name) % len(ODD_LANGUAGES)]
    with stage.anew() as world:
        assert good.send(world, good.given(world), Accept_Language=language).status == good.status, language


def test_all_odd_wishes_are_read_alike(world: World) -> None:
    good = GOOD["GET /v2/products"]
    plain = good.do(world).text

    assert {good.send(world, {}, Accept_Language=language).text for language in ODD_LANGUAGES} == {plain}


@pytest.mark.parametrize("good", GOOD.values(), ids=name_of)
def test_a_page_of_an_allowed_origin_reads_answers_and_refusals(
    good: Good, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage.anew() as world:
        sent = good.given(world)

        def ask(origins: str, origin: str = SHOP, **headers: str) -> dict[str, str]:
            monkeypatch.setenv("CORS_ORIGINS", origins)
            return good.send(world, sent, Origin=origin, **headers).headers

        listed = f"https://pos.example.com,{SHOP}"
        refused = ask(listed, X_Currency="XYZ")
        foreign = ask(listed, ELSEWHERE, X_Currency="XYZ")
        off = ask("", X_Currency="XYZ")
        good_one = ask(listed)

    for answer in (refused, good_one):
        if good.name not in NOT_FOR_PAGES or answer is refused:
            assert answer["Access-Control-Allow-Origin"] == SHOP
            assert "Origin" in answer["Vary"]
        for exposed in ("ETag", "X-Request-Id", "Retry-After", "X-RateLimit-Remaining", "Idempotent-Replayed"):
            assert exposed in answer["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in foreign
    assert "Access-Control-Allow-Origin" not in off


@pytest.fixture
def origins(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("CORS_ORIGINS", SHOP)
    return monkeypatch


@pytest.mark.parametrize("name", sorted(set(GOOD) - NOT_FOR_PAGES))
def test_a_browser_that_asks_first_is_told_what_a_page_may_send(name: str, origins: pytest.MonkeyPatch) -> None:
    method, path = name.split(" ")
    parameters: Any = {each["name"]: "x" for each in description()["paths"][path]["options"].get("parameters", ())}

    def ask(origin: str) -> dict[str, str]:
        asked = {"Origin": origin, "Access-Control-Request-Method": method}
        answer = Gateway().ask(f"OPTIONS {path}", headers=asked, **parameters)
        assert (answer.status, answer.text) == (204, "")
        return answer.headers

    allowed = ask(SHOP)
    assert allowed["Access-Control-Allow-Origin"] == SHOP
    assert method in allowed["Access-Control-Allow-Methods"].split(", ")
    sent = {"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Tenant-ID", "orgid"}
    sent |= {"X-Dry-Run", "X-Request-Id", "X-Currency", "X-Region", "X-Timezone", "X-Language-Fallback"}
    assert sent <= set(allowed["Access-Control-Allow-Headers"].split(", "))
    assert not [header for header in ask(ELSEWHERE) if header.startswith("Access-Control")]
    origins.setenv("CORS_ORIGINS", "*")
    assert ask(ELSEWHERE)["Access-Control-Allow-Origin"] == "*"
    origins.setenv("CORS_ORIGINS", "")
    assert not [header for header in ask(SHOP) if header.startswith("Access-Control")]


def test_a_page_reads_why_the_gateway_let_nobody_in(stage: Stage) -> None:
    refused = Gateway().ask("GET /v2/products", headers={"Origin": SHOP})

    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, "*")
    assert "X-Request-Id" in refused.headers["Access-Control-Expose-Headers"]
