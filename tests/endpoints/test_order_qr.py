"""The QR code of an order, and the link in it."""

import os
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import zxingcpp
from PIL import Image

from commerce.http import api
from commerce.kernel import aws, clock
from commerce.kernel.caller import Role
from commerce.kernel.paging import sign
from tests.contract.shops import Shop
from tests.shop import OTHER_TENANT, Answered, Call, Credential

QR, TRACK = "storefront/tracking/get_order_qr", "storefront/tracking/track_order"
API = "https://api.shop.example"


@pytest.fixture(autouse=True)
def bucket(table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("API_URL", API)
    aws.client.cache_clear()
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()
    aws.client.cache_clear()


@pytest.fixture
def shop(call: Call) -> Shop:
    return Shop(call).open()


@pytest.fixture
def jane(shop: Shop) -> Credential:
    return shop.customer()


@pytest.fixture
def order_id(shop: Shop, jane: Credential) -> str:
    return shop.order(jane, (shop.product("TEE", 30, stock=5)["id"], 1))


def link_in(bucket: Any) -> str:
    """What a scanner reads in the one picture of the bucket."""
    [stored] = bucket.objects.all()
    picture = Image.open(BytesIO(stored.get()["Body"].read()))
    found = [each for each in zxingcpp.read_barcodes(picture) if each.format == zxingcpp.BarcodeFormat.QRCode]
    assert len(found) == 1
    return str(found[0].text)


def follow(call: Call, token: str) -> Answered:
    """As whoever scanned it: no credential, no header that names a shop."""
    return call(TRACK, query={"token": token})


def test_a_scanner_reads_a_link_that_tracks_the_order_without_a_credential(
    call: Call, bucket: Any, jane: Credential, order_id: str
) -> None:
    answered = call(QR, credential=jane, order_id=order_id)
    assert answered.status == 200, answered.text
    data = answered.body["data"]

    address = urlsplit(link_in(bucket))
    tracked = follow(call, parse_qs(address.query)["token"][0])
    by_email = call(
        TRACK,
        query={"order_id": order_id, "email": "jane@example.com"},
        headers={"orgid": jane.tenant.tenant_id},
    )

    assert data["order_id"] == order_id
    assert data["qr_code_url"].startswith("https://")
    assert parse_qs(urlsplit(data["qr_code_url"]).query)["X-Amz-Expires"] == ["900"]
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{API}/api/track-order"
    assert tracked.status == 200
    assert tracked.body == by_email.body


def test_the_link_holds_no_email(call: Call, bucket: Any, jane: Credential, order_id: str) -> None:
    call(QR, credential=jane, order_id=order_id)

    [token] = parse_qs(urlsplit(link_in(bucket)).query)["token"]
    assert b"jane" not in b64decode(token.replace("-", "+").replace("_", "/") + "==")


def test_the_picture_stays_the_same_for_a_day_and_the_link_works_for_30(
    call: Call, bucket: Any, jane: Credential, order_id: str
) -> None:
    call(QR, credential=jane, order_id=order_id)
    first = link_in(bucket)
    call(QR, credential=jane, order_id=order_id)
    [token] = parse_qs(urlsplit(first).query)["token"]
    now = clock.now()

    assert link_in(bucket) == first
    with clock.use(lambda: now + timedelta(days=29)):
        assert follow(call, token).status == 200
    with clock.use(lambda: now + timedelta(days=30)):
        assert follow(call, token).status == 404


def test_a_link_that_is_none_or_has_ended_is_answered_like_a_wrong_email(
    call: Call, bucket: Any, jane: Credential, order_id: str
) -> None:
    tenant = jane.tenant
    call(QR, credential=jane, order_id=order_id)
    [good] = parse_qs(urlsplit(link_in(bucket)).query)["token"]
    claims = {"tenant": tenant.tenant_id, "mode": "test", "order": order_id, "until": "4102444800"}
    bad = {
        "of another make": sign(claims, scope="another"),
        "changed": good[:30] + ("A" if good[30] != "A" else "B") + good[31:],
        "cut off": good[:-4],
        "no token": "é☃",
        "over": sign(claims | {"until": "1"}, scope="track-order"),
        "of an order that is not there": sign(claims | {"order": "order_none"}, scope="track-order"),
        "of the other mode": sign(claims | {"mode": "live"}, scope="track-order"),
    }
    wrong = call(TRACK, query={"order_id": order_id, "email": "joe@example.com"}, headers={"orgid": tenant.tenant_id})

    assert follow(call, sign(claims, scope="track-order")).status == 200
    for why, token in bad.items():
        answered = follow(call, token)
        assert (answered.status, answered.body) == (404, wrong.body), why


def test_a_link_names_its_shop_and_an_email_needs_the_header_that_does(call: Call, order_id: str) -> None:
    nameless = call(TRACK, query={"order_id": order_id, "email": "jane@example.com"})
    unnamed = call(TRACK, query={"": "x", "order_id": order_id, "email": "jane@example.com"})
    both = call(TRACK, query={"order_id": order_id, "token": "x"})

    assert [each.status for each in (nameless, unnamed, both)] == [400, 400, 422]
    assert nameless.body["error"]["details"][0]["code"] == "tenant_required"
    assert unnamed.body["error"]["details"][0]["code"] == "tenant_required"


def test_the_staff_gets_the_code_of_any_order_with_the_scope_to_read_them(call: Call, order_id: str) -> None:
    def ask(role: Role, *scopes: str) -> Answered:
        return call(QR, order_id=order_id, credential=Credential(role=role, scopes=frozenset(scopes)))

    assert [ask(role, "orders:read").status for role in (Role.STAFF, Role.OWNER, Role.API_KEY)] == [200, 200, 200]
    assert ask(Role.STAFF, "my_orders", "orders:write").body["error"]["details"][0]["code"] == "missing_scope"


def test_another_customers_or_another_shops_order_is_answered_like_a_missing_one(
    call: Call,
    bucket: Any,
    shop: Shop,
    order_id: str,
) -> None:
    joe = shop.customer("joe@example.com")
    stranger = Credential(tenant=OTHER_TENANT, scopes=frozenset({"orders:read"}))
    reader = Credential(role=Role.CUSTOMER, customer_id=joe.customer_id, scopes=frozenset({"orders:read"}))

    answers = [
        call(QR, credential=joe, order_id=order_id),
        call(QR, credential=stranger, order_id=order_id),
        call(QR, credential=joe, order_id="order_none"),
    ]

    assert {each.status for each in answers} == {404}
    assert answers[0].body == answers[1].body == answers[2].body
    assert call(QR, credential=reader, order_id=order_id).status == 403
    assert list(bucket.objects.all()) == []


def test_a_code_that_cannot_be_stored_is_503(
    call: Call,
    jane: Credential,
    order_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FILES_BUCKET", "till-nowhere")

    assert call(QR, credential=jane, order_id=order_id).status == 503


@pytest.mark.parametrize(
    ("said", "context", "expected"),
    [
        ("https://api.example.com", {"domainName": "x", "path": "/dev/a"}, "https://api.example.com"),
        (
            "",
            {"domainName": "a1.execute-api.eu-west-1.amazonaws.com", "path": "/dev/a"},
            "https://a1.execute-api.eu-west-1.amazonaws.com/dev",
        ),
        ("", {"domainName": "api.example.com", "path": "/a"}, "https://api.example.com"),
    ],
)
def test_links_lead_to_where_the_api_is_and_never_to_what_a_sender_says(
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    context: dict[str, str],
    expected: str,
) -> None:
    monkeypatch.setenv("API_URL", said)
    event = {"path": "/a", "requestContext": context, "headers": {"Host": "evil.example", "X-Forwarded-Host": "evil"}}

    assert api._base_url(event) == expected
