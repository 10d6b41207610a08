"""A return over HTTP on the deployed state machine: its execution's history next to its own, and what can go wrong."""

from datetime import UTC
from typing import Any

import httpx
import stripe

from commerce.kernel.clock import parse
from local.mails import address as mailbox
from local.stack.deployment import client
from tests.integration.conftest import Running
from tests.integration.test_purchase import (
    all_rows,
    at_once,
    eventually,
    new_customer,
    new_product,
    order,
    pay,
    standin,
    start_payment,
)

SHIPPED = {"status": "shipped", "tracking_number": "1Z999AA10123456784", "carrier": "ups"}
PRICE = 20.0
PATIENCE = 120  # seconds; each function of the workflow has to start for the first time


def shipped_order(stack: Running, units: int, card: str = "pm_card_visa") -> Any:
    """An order of one line that is paid with a bank card and on its way."""
    product, token = new_product(stack, units, PRICE), new_customer(stack)
    body = {"items": [{"product_id": product, "quantity": units}]}
    order_id = stack.as_customer("POST", "/orders", token, json=body).json()["data"]["id"]
    pay(stack, start_payment(stack, order_id, round(units * PRICE * 100)), card)
    eventually(lambda: order(stack, order_id)["payment_status"] == "paid")
    done = stack.as_owner("PATCH", f"/admin/orders/{order_id}/status", json=SHIPPED)
    assert done.status_code == 200, done.text
    return order(stack, order_id)


def asked(stack: Running, bought: Any, units: int) -> str:
    """A return of that many units; its id."""
    [line] = bought["items"]
    items = [{"order_item_id": line["id"], "quantity": units, "reason": "wrong_size"}]
    made = stack.as_owner("POST", "/admin/returns", json={"order_id": bought["id"], "items": items})
    assert made.status_code == 201, made.text
    return str(made.json()["data"]["id"])


def move(stack: Running, return_id: str, verb: str, body: Any = None) -> Any:
    answered = stack.as_owner("POST", f"/admin/returns/{return_id}/{verb}", json=body)
    assert answered.status_code in (200, 202), answered.text
    return answered.json()["data"]


def receive(stack: Running, return_id: str, bought: Any, **units: int) -> Any:
    [line] = bought["items"]
    items = [
        {"order_item_id": line["id"], "quantity": quantity, "disposition": disposition}
        for disposition, quantity in units.items()
    ]
    return move(stack, return_id, "receive", {"items": items})


def shown(stack: Running, return_id: str) -> Any:
    answered = stack.as_owner("GET", f"/admin/returns/{return_id}")
    assert answered.status_code == 200, answered.text
    return answered.json()["data"]


class Executions:
    """The executions of one return's workflow."""

    def __init__(self, stack: Running, return_id: str) -> None:
        self._step_functions = client("stepfunctions", stack.endpoint_url)
        machines = self._step_functions.list_state_machines()["stateMachines"]
        [machine] = [each["stateMachineArn"] for each in machines if each["name"].endswith("ReturnLifecycle")]
        self._prefix = machine.replace(":stateMachine:", ":execution:") + ":" + return_id

    def status(self, generation: int = 1) -> str | None:
        try:
            return str(self._step_functions.describe_execution(executionArn=self._arn(generation))["status"])
        except self._step_functions.exceptions.ExecutionDoesNotExist:
            return None

    def history(self, generation: int = 1) -> list[dict[str, Any]]:
        pages = self._step_functions.get_paginator("get_execution_history").paginate(executionArn=self._arn(generation))
        return [event for page in pages for event in page["events"]]

    def entered(self, generation: int = 1) -> list[str]:
        """The states that it came to, one after another: what AWS counts as transitions."""
        details = [event.get("stateEnteredEventDetails") for event in self.history(generation)]
        return [str(each["name"]) for each in details if each]

    def stop(self, generation: int = 1) -> None:
        self._step_functions.stop_execution(executionArn=self._arn(generation))

    def _arn(self, generation: int) -> str:
        return self._prefix if generation == 1 else f"{self._prefix}-{generation}"


def waits_in(executions: Executions, state: str, generation: int = 1) -> None:
    def does() -> bool:
        return executions.status(generation) is not None and executions.entered(generation)[-1:] == [state]

    eventually(does, PATIENCE)


def ends(executions: Executions, generation: int = 1) -> str:
    eventually(lambda: executions.status(generation) not in (None, "RUNNING"), PATIENCE)
    return str(executions.status(generation))


def in_camel_case(status: str) -> str:
    return status.title().replace("_", "")


def show(stack: Running, executions: Executions, return_id: str) -> None:
    """Print both histories next to each other, by the clock."""
    steps = [row for row in all_rows(stack) if row["kind"] == "return_step" and row["return_id"] == return_id]
    rows = [(parse(row["at"]), str(row["status"]), "") for row in steps]
    for event in executions.history():
        if details := event.get("stateEnteredEventDetails"):
            rows.append((event["timestamp"].astimezone(UTC), "", details["name"]))
    print(f"\n  {'UTC':<14}{'return':<20}execution")
    for at, status, state in sorted(rows):
        print(f"  {at:%H:%M:%S}.{at.microsecond // 1000:03}  {status:<20}{state}")
    print(f"  {len(executions.entered())} state transitions")


def test_a_return_from_its_request_to_its_money_is_what_its_execution_went_through(stack: Running) -> None:
    bought = shipped_order(stack, 3)
    return_id = asked(stack, bought, 3)
    executions = Executions(stack, return_id)
    waits_in(executions, "Pending")

    move(stack, return_id, "approve")
    waits_in(executions, "Approved")
    receive(stack, return_id, bought, restock=1)
    waits_in(executions, "PartiallyReceived")
    receive(stack, return_id, bought, discard=1, missing=1)
    waits_in(executions, "Received")
    move(stack, return_id, "refund")

    assert ends(executions) == "SUCCEEDED"
    ret = shown(stack, return_id)
    show(stack, executions, return_id)
    statuses = list(dict.fromkeys(step["status"] for step in ret["history"]))
    entered = executions.entered()
    assert ret["status"] == statuses[-1] == "closed"
    assert [name for name in entered if name in map(in_camel_case, statuses)] == [*map(in_camel_case, statuses)]
    assert [name for name in entered if name in ("MailLabel", "RefundReceived", "Close")] == [
        "MailLabel",
        "RefundReceived",
        "Close",
    ]
    assert len(entered) == 14
    [mail] = mails_about(stack, ret["rma_number"])
    assert mail["To"] == [bought["customer"]["email"]]


def mails_about(stack: Running, rma_number: str) -> list[Any]:
    answer = httpx.get(mailbox(stack.settings), timeout=10, trust_env=False).json()
    return [mail for account in answer["messages"].values() for mail in account if rma_number in mail["Subject"]]


def test_a_rejected_return_ends_its_execution(stack: Running) -> None:
    return_id = asked(stack, shipped_order(stack, 1), 1)
    executions = Executions(stack, return_id)

    move(stack, return_id, "reject", {"reason": "Worn"})

    assert ends(executions) == "SUCCEEDED"
    assert executions.entered() == ["Pending", "AfterPending", "Rejected"]


def test_a_refund_that_fails_keeps_the_return_open_until_another_one_succeeds(stack: Running) -> None:
    bought = shipped_order(stack, 1, "pm_card_pendingRefund")
    return_id = asked(stack, bought, 1)
    executions = Executions(stack, return_id)
    move(stack, return_id, "approve")
    receive(stack, return_id, bought, restock=1)
    move(stack, return_id, "refund")
    waits_in(executions, "Refunded")

    eventually(lambda: len(refunds_at_stripe(stack, bought)) == 1)
    [refund] = refunds_at_stripe(stack, bought)
    standin(stack, "POST", f"/refunds/{refund}/settle", outcome="failure")
    eventually(lambda: shown(stack, return_id)["refunds"][0]["status"] == "failed")
    assert (executions.status(), shown(stack, return_id)["status"]) == ("RUNNING", "refunded")

    move(stack, return_id, "refund", {"refund_method": "store_credit"})
    assert ends(executions) == "SUCCEEDED"
    assert shown(stack, return_id)["status"] == "closed"


def refunds_at_stripe(stack: Running, bought: Any) -> list[str]:
    sdk = stripe.StripeClient(stack.stripe_key, base_addresses={"api": stack.stripe_url})
    intent = order(stack, bought["id"])["payment_intent_id"]
    return [refund.id for refund in sdk.v1.refunds.list({"payment_intent": intent}).data]


def test_an_execution_that_was_killed_is_replaced_by_one_that_takes_up_where_the_return_stands(stack: Running) -> None:
    bought = shipped_order(stack, 1)
    return_id = asked(stack, bought, 1)
    executions = Executions(stack, return_id)
    move(stack, return_id, "approve")
    waits_in(executions, "Approved")
    executions.stop()
    receive(stack, return_id, bought, restock=1)

    redriven = at_once([lambda: move(stack, return_id, "redrive")] * 2)
    newest = max(each["generation"] for each in redriven)
    waits_in(executions, "Received", newest)
    assert [each for each in range(1, 5) if executions.status(each) == "RUNNING"] == [newest]
    move(stack, return_id, "refund")

    assert ends(executions, newest) == "SUCCEEDED"
    ret = shown(stack, return_id)
    assert ret["status"] == "closed"
    assert len(mails_about(stack, ret["rma_number"])) == 1
    late = stack.as_owner("POST", f"/admin/returns/{return_id}/redrive")
    assert (late.status_code, late.json()["error"]["details"][0]["code"]) == (409, "return_ended")
