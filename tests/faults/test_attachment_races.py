"""Many hands at an order's attachments at once, on the emulator: none is lost, and none is one too many."""

import os
from typing import Any
from unittest import mock

import boto3
import pytest

from commerce.attachments.model import MAX_PER_ORDER
from tests.faults.conftest import rows_of
from tests.faults.test_kills import Shop, open_shop
from tests.faults.test_order_races import at_once
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import Answered

BUCKET = "till-attachments"
NOTE = {"filename": "note.txt", "content_type": "text/plain", "size": 5}
ADD, LIST, REMOVE, COMPLETE = (
    f"admin/attachments/{name}"
    for name in ("add_attachment", "list_attachments", "remove_attachment", "complete_attachment")
)


@pytest.fixture
def shop(stripe: Stripe) -> Any:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    with mock.patch.dict(os.environ, FILES_BUCKET=BUCKET):
        yield open_shop(stripe)


def announce(shop: Shop, order_id: str) -> Answered:
    return shop.call(ADD, order_id=order_id, body=NOTE)


@pytest.mark.timeout(120)
def test_sixteen_files_for_the_last_five_places_of_an_order_are_five(shop: Shop, table: Any) -> None:
    order_id = shop.place()
    for _ in range(MAX_PER_ORDER - 5):
        assert announce(shop, order_id).status == 201

    answers = at_once(*[lambda: announce(shop, order_id)] * 16)

    assert sorted(each.status for each in answers) == [201] * 5 + [409] * 11
    refused = [each.body["error"]["details"][0]["code"] for each in answers if each.status == 409]
    assert set(refused) == {"too_many_attachments"}
    assert len(shop.call(LIST, order_id=order_id).body["data"]) == MAX_PER_ORDER
    check(rows_of(table, shop.call))


@pytest.mark.timeout(120)
def test_a_file_is_removed_once_and_makes_one_place_however_many_remove_it(shop: Shop, table: Any) -> None:
    order_id = shop.place()
    first, *_ = [announce(shop, order_id).body["data"]["id"] for _ in range(MAX_PER_ORDER)]

    removed = at_once(*[lambda: shop.call(REMOVE, order_id=order_id, attachment_id=first)] * 8)
    added = at_once(*[lambda: announce(shop, order_id)] * 8)

    assert sorted(each.status for each in removed) == [200] + [404] * 7
    assert sorted(each.status for each in added) == [201] + [409] * 7
    check(rows_of(table, shop.call))


@pytest.mark.timeout(120)
def test_a_file_that_eight_complete_at_once_is_told_of_once(shop: Shop, table: Any) -> None:
    order_id = shop.place()
    made = announce(shop, order_id).body["data"]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=made["upload"]["fields"]["key"], Body=b"hello")

    answers = at_once(*[lambda: shop.call(COMPLETE, order_id=order_id, attachment_id=made["id"])] * 8)

    assert [each.status for each in answers] == [200] * 8
    timeline = shop.call("admin/orders/get_timeline", order_id=order_id).body["data"]
    assert [each["status"] for each in timeline if each["type"] == "attachment"] == ["added"]
    check(rows_of(table, shop.call))
