"""The net under the logs: credentials, addresses and card numbers are struck out of whatever is logged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.observability import _serialize, redact

SECRETS = {
    "Stripe secret key": "sk_test_51ABCdefGHI",
    "Stripe restricted key": "rk_live_51ABCdefGHI",
    "Stripe publishable key": "pk_live_51ABCdefGHI",
    "webhook secret": "whsec_abcDEF123",
    "client secret": "pi_3abc123_secret_xyz",
    "API key": "test_ten_demo_0198f3a27c4d7e10a5b6c7d8e9f00112_0123456789abcdef0123456789abcdef",
    "JWT": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_x",
    "e-mail address": "jane.doe+shop@mail.example.com",
    "card number": "4242424242424242",
    "card number with blanks": "4242 4242 4242 4242",
    "card number with dashes": "4242-4242-4242-4242",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "Bearer {}", "failed for {}, try again", '"{}"', "x={}&y=1", "({})", "\n{}\n"]
)
def test_a_secret_is_struck_out_wherever_it_stands(secret: str, around: str) -> None:
    assert redact(around.format(secret)) == around.format("[redacted]")


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_log_line_stays_json_without_its_secret(secret: str) -> None:
    line = _serialize({"message": f"refused {secret}", "exception": f"ValueError: {secret}", "status": 422})

    assert secret not in line
    assert json.loads(line) == {
        "message": "refused [redacted]",
        "exception": "ValueError: [redacted]",
        "status": 422,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "answered",
        "order_0198f3a27c4d7e10a5b6c7d8e9f00112",
        "req_00000000000000000000000000000000",
        "order_12345678901234567890123456789012",
        "pi_3abc123",
        "POST /v2/products",
        "2026-03-20T12:00:00Z",
        "2026-03-20 12:00:00,123+0000",
        "ten_1",
    ],
)
def test_what_identifies_nobody_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(), st.text())
def test_two_secrets_in_one_text_are_both_struck_out(before: str, between: str) -> None:
    text = f"{before} {SECRETS['client secret']} {between} {SECRETS['API key']}"

    redacted = redact(text)

    assert SECRETS["client secret"] not in redacted
    assert SECRETS["API key"] not in redacted
    assert redact(redacted) == redacted
