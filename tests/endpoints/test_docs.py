"""The API reference: its description and its page."""

import json
import re
from typing import Any

import pytest

from tests.shop import ROOT, Answered, Call, handler

PAGE, DESCRIPTION = "docs/reference/show_docs", "docs/reference/show_openapi"


def text_of(path: str, *, route: str | None = None, headers: dict[str, str] | None = None, **names: str) -> Answered:
    """Call a handler whose answer is not JSON."""
    api = handler(path).app
    [found] = [each for each in api.routes if route in (None, each.path)]
    concrete = found.path
    for name, value in names.items():
        concrete = concrete.replace("{" + name + "}", value)
    event = {
        "httpMethod": "GET",
        "path": concrete,
        "resource": found.path,
        "pathParameters": names or None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "headers": headers or {},
        "multiValueHeaders": {},
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "1"},
    }
    answer: dict[str, Any] = api.handler(event, None)
    flat = {name: value if isinstance(value, str) else value[0] for name, value in answer["multiValueHeaders"].items()}
    return Answered(answer["statusCode"], None, flat, answer["body"] or "")


def test_the_description_is_the_generated_file(call: Call) -> None:
    answered = text_of(DESCRIPTION)

    assert answered.status == 200
    assert answered.headers["Content-Type"] == "application/json"
    assert answered.headers["Cache-Control"] == "public, max-age=300"
    assert answered.text == (ROOT / "functions/docs/reference/openapi.json").read_text(encoding="utf-8")
    assert json.loads(answered.text)["openapi"].startswith("3.1")


@pytest.mark.parametrize("shape", ["{0}", "W/{0}", '"other", {0}', "*"])
def test_who_has_the_description_already_gets_304_without_a_body(shape: str) -> None:
    etag = text_of(DESCRIPTION).headers["ETag"]

    answered = text_of(DESCRIPTION, headers={"If-None-Match": shape.format(etag)})

    assert (answered.status, answered.text, answered.headers["ETag"]) == (304, "", etag)
    assert text_of(DESCRIPTION, headers={"If-None-Match": '"other"'}).status == 200


def test_the_page_loads_nothing_from_elsewhere_and_allows_nothing_else() -> None:
    answered = text_of(PAGE, route="/docs")

    addresses = re.findall(r'(?:src|href)="([^"]*)"', answered.text)
    assert answered.headers["Content-Type"] == "text/html; charset=utf-8"
    assert addresses == ["data:,", "docs/swagger-ui.css", "docs/page.css", "docs/swagger-ui.js", "docs/page.js"]
    assert not re.search(r"<script>|<style|\son\w+=", answered.text)
    assert "default-src 'none'; script-src 'self';" in answered.headers["Content-Security-Policy"]
    assert answered.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("file", "content_type", "least"),
    [
        ("swagger-ui.js", "text/javascript; charset=utf-8", 1_000_000),
        ("swagger-ui.css", "text/css; charset=utf-8", 100_000),
        ("page.js", "text/javascript; charset=utf-8", 100),
        ("page.css", "text/css; charset=utf-8", 10),
    ],
)
def test_the_page_s_files_are_served(file: str, content_type: str, least: int) -> None:
    answered = text_of(PAGE, route="/docs/{file}", file=file)

    assert (answered.status, answered.headers["Content-Type"]) == (200, content_type)
    assert least < len(answered.text.encode()) < 6_000_000  # what a Lambda function may answer
    assert "public" in answered.headers["Cache-Control"]
    etag = answered.headers["ETag"]
    assert text_of(PAGE, route="/docs/{file}", file=file, headers={"If-None-Match": etag}).status == 304


@pytest.mark.parametrize("file", ["openapi.json", "..", "show_docs.py", "swagger-ui-bundle.min.js"])
def test_no_other_file_is(file: str) -> None:
    answered = text_of(PAGE, route="/docs/{file}", file=file)

    assert (answered.status, json.loads(answered.text)["error"]["code"]) == (404, "not_found")


def test_the_reference_leaves_itself_out() -> None:
    paths = json.loads(text_of(DESCRIPTION).text)["paths"]

    assert not {"/docs", "/docs/{file}", "/openapi.json"} & paths.keys()
    assert {"/v2/customers", "/v2/health"} <= paths.keys()
