"""Cursors of product lists: good for the question that they were given for, and for nothing else (contract X-04)."""

import base64

import pytest

from tests.shop import OTHER_TENANT, Call, Credential

QUESTIONS = [
    {},
    {"sort": "price", "filter[price][gte]": "1"},
    {"filter[category][in]": "audio,bar"},
    {"filter[category][in]": "audio,bar", "sort": "-category,name"},
    {"metadata[shelf]": "7", "filter[name][contains]": "p"},
    {"search": "pr"},
]


@pytest.mark.parametrize("query", QUESTIONS, ids=str)
def test_a_cursor_is_refused_with_any_bit_changed_by_another_tenant_and_by_any_other_question(
    call: Call, query: dict[str, str]
) -> None:
    for number in range(3):
        body = {"name": f"Product {number}", "sku": f"S{number}", "price": 5 + number, "metadata": {"shelf": "7"}}
        assert call("v2/catalog/create_product", body=body | {"categories": ["audio", "bar"]}).status == 201
    asked = query | {"limit": "1"}
    cursor = call("v2/catalog/list_products", query=asked).body["pagination"]["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    changed = [raw[:place] + bytes([raw[place] ^ 1 << place % 8]) + raw[place + 1 :] for place in range(len(raw))]
    changed += [raw[:place] for place in range(len(raw))] + [raw + b"\0", raw[16:], raw + raw]

    refused = [asked | {"cursor": base64.urlsafe_b64encode(each).decode().rstrip("=")} for each in changed]
    refused += [each | {"limit": "1", "cursor": cursor} for each in QUESTIONS if each != query]
    refused += [asked | {"cursor": cursor} | other for other in ({"status": "active"}, {"category": "audio"})]
    answers = [call("v2/catalog/list_products", query=each) for each in refused]
    answers.append(
        call("v2/catalog/list_products", query=asked | {"cursor": cursor}, credential=Credential(tenant=OTHER_TENANT))
    )

    assert {(each.status, each.body["error"]["details"][0]["code"]) for each in answers} == {(400, "bad_cursor")}
    assert call("v2/catalog/list_products", query=asked | {"cursor": cursor}).status == 200
