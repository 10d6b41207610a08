"""A large batch of gift cards: from the request over bus, rule and state machine to the file behind its link."""

import csv
import json
import time
from io import StringIO
from typing import Any

import httpx

from local.stack.deployment import client
from tests.integration.conftest import Running

QUANTITY = 101
PATIENCE = 120  # seconds


def batch(stack: Running, batch_id: str) -> Any:
    answered = stack.as_owner("GET", f"/admin/gift-cards/batches/{batch_id}")
    assert answered.status_code == 200, answered.text
    return answered.json()["data"]


def issued(stack: Running, batch_id: str) -> Any:
    """The batch, once it is issued."""
    until = time.monotonic() + PATIENCE
    while (found := batch(stack, batch_id))["status"] != "issued":
        assert time.monotonic() < until, found
        time.sleep(0.5)
    return found


def file_of(stack: Running, batch_id: str) -> str:
    link = stack.as_owner("POST", f"/admin/gift-cards/batches/{batch_id}/download").json()["data"]["download_url"]
    file = httpx.get(link, trust_env=False)
    assert file.status_code == 200, file.text
    return file.text


def run_again(stack: Running, batch_id: str) -> None:
    """Another execution for the same batch, to its end."""
    workflows = client("stepfunctions", stack.endpoint_url)
    machines = workflows.list_state_machines()["stateMachines"]
    [machine] = [each["stateMachineArn"] for each in machines if "GiftCardBatch" in each["name"]]
    state = json.dumps({"tenant": stack.tenant, "mode": "test", "batch_id": batch_id})
    execution = workflows.start_execution(stateMachineArn=machine, input=state)["executionArn"]
    until = time.monotonic() + PATIENCE
    while (status := workflows.describe_execution(executionArn=execution)["status"]) == "RUNNING":
        assert time.monotonic() < until
        time.sleep(0.5)
    assert status == "SUCCEEDED"


def test_a_batch_that_was_asked_for_is_issued_once_and_its_file_opens_its_cards(stack: Running) -> None:
    body = {"quantity": QUANTITY, "amount": 50, "currency": "USD"}
    asked = stack.as_owner("POST", "/admin/gift-cards/batch", json=body, headers={"Idempotency-Key": "a-large-batch"})
    assert asked.json()["data"]["status"] == "processing", asked.text
    batch_id = asked.json()["data"]["batch_id"]

    assert issued(stack, batch_id)["cards_created"] == QUANTITY

    file = file_of(stack, batch_id)
    cards = list(csv.DictReader(StringIO(file, newline="")))
    assert len({card["serial"] for card in cards}) == QUANTITY
    for card in (cards[0], cards[-1]):
        balance = stack.as_anybody(
            "GET",
            "/storefront/giftcards/balance",
            params={"serial": card["serial"], "pin": card["pin"]},
            headers={"orgid": stack.tenant},
        )
        assert balance.json()["balance"] == 50, balance.text
    done = batch(stack, batch_id)
    run_again(stack, batch_id)
    assert batch(stack, batch_id) == done
    assert file_of(stack, batch_id) == file
