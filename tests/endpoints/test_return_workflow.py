"""The workflow of a return: it follows the table, whatever arrives late, twice, in another order or not at all."""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest

from commerce.kernel import aws, clock
from commerce.kernel.caller import Role
from commerce.kernel.errors import Invalid, Unavailable
from commerce.mails import ses
from commerce.mails.model import Mail, Refused
from commerce.observability import logger
from commerce.orders.model import Order
from commerce.refunds import store as refunds
from commerce.returns import driving, labels, use_cases, workflow_client, workflow_store
from commerce.returns.driving import Driven
from commerce.returns.model import FINAL, ReturnStatus
from commerce.returns.workflow_model import LabelOutcome, Waiting
from tests.contract.shops import Shop
from tests.endpoints.test_returns import Warehouse, found
from tests.events import told
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, Call, Credential, handler
from tests.template import template
from tests.workflow import Machine, StepFunctions

TYPES = template()["Resources"]["ReturnsRule"]["Properties"]["EventPattern"]["detail-type"]
LATER = timedelta(minutes=6)
WHOLE_WAY = [
    *("Pending", "AfterPending", "MailLabel", "Approved", "AfterApproved", "RefundReceived", "Received"),
    *("AfterReceived", "Refunded", "Close", "AfterRefunded", "Closed"),
]


@dataclass
class Followed(Warehouse):
    """A warehouse whose returns have their workflow. Nothing reaches it but what a test delivers."""

    table: Any
    machine: Machine
    mails: list[Mail] = field(default_factory=list)
    _delivered: set[str] = field(default_factory=set)

    def waiting(self) -> list[dict[str, Any]]:
        """The messages of the queue that were not delivered yet, as the rule put them there."""
        rows = [row for row in self.table.scan()["Items"] if row["kind"] == "outbox" and row["type"] in TYPES]
        events = [event for event in told(rows) if event.id not in self._delivered]
        return [message(event.model_dump_json(), event.id) for event in events]

    def deliver(self, messages: list[dict[str, Any]] | None = None) -> None:
        for each in self.waiting() if messages is None else messages:
            assert drive(each) == []
            self._delivered.add(each["messageId"])

    def settle(self) -> None:
        super().settle()
        self.deliver()

    def fail_refund(self, order: Order) -> None:
        """Let the provider say, after a while, that the one refund of an order did not work."""
        self.settle()
        [refund] = refunds.of_order(self.tenant, order.order_id)
        url = f"{self.stripe.url}/_standin/refunds/{refund.provider_id}/settle"
        httpx.post(url, json={"outcome": "failure"}).raise_for_status()
        self.settle()

    def lose(self) -> None:
        """Nobody ever gets what has been told so far."""
        self._delivered |= {each["messageId"] for each in self.waiting()}

    def status(self, return_id: str) -> str:
        return str(self.get(return_id)["status"])

    def entered(self, execution: str) -> list[str]:
        return self.machine.executions[execution].entered

    def execution(self, name: str) -> tuple[str, str]:
        found = self.machine.executions[name]
        return found.status, found.state

    def decide(self, **policy: Any) -> None:
        """Let the shop decide something about its returns."""
        owner = Credential(tenant=self.tenant, role=Role.OWNER)
        self.shop.do("v2/access/update_tenant", by=owner, id=self.tenant.tenant_id, body={"returns": policy})

    def redrive(self, return_id: str) -> Any:
        answered = self.shop.call("admin/returns/redrive_return", return_id=return_id)
        assert answered.status == 202, answered.text
        return answered.body["data"]


def message(detail: str, message_id: str) -> dict[str, Any]:
    return {"messageId": message_id, "body": json.dumps({"detail": json.loads(detail)})}


def drive(*messages: dict[str, Any]) -> list[str]:
    """Hand a batch to the consumer; give the ids of what it could not deal with."""
    answer = handler("queues/drive_return").handler({"Records": list(messages)}, None)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def look(after: timedelta = LATER) -> Any:
    """Let the schedule run a while from now."""
    then = clock.now() + after
    with clock.use(lambda: then):
        return handler("schedules/decide_overdue_returns").handler({}, None)


@pytest.fixture
def world(call: Call, table: Any, stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Followed]:
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    aws.client.cache_clear()
    machine = Machine("ReturnLifecycleWorkflow")
    monkeypatch.setenv("RETURN_WORKFLOW", machine.arn)
    monkeypatch.setattr(workflow_client, "client", lambda service: StepFunctions(machine))
    shop = Shop(call).open()
    shirt, mug = shop.product("TEE", 30, stock=30), shop.product("MUG", 11, stock=10)
    world = Followed(shop, stripe, shop.customer(), shirt, mug, table, machine)
    monkeypatch.setattr(ses, "send", world.mails.append)
    yield world
    check(table.scan()["Items"])
    bucket.objects.all().delete()
    bucket.delete()
    aws.client.cache_clear()


def row(world: Followed, return_id: str) -> dict[str, Any]:
    [found] = [
        each
        for each in world.table.scan()["Items"]
        if each["kind"] == "return_workflow" and each["return_id"] == return_id
    ]
    return dict(found)


def received(world: Followed, return_id: str, order: Order, units: int = 2) -> None:
    world.receive(return_id, found(order.lines[0].line_id, units, "restock"))


# It follows


def test_an_execution_goes_with_its_return_from_the_request_to_the_money(world: Followed) -> None:
    order = world.sell()
    return_id = world.ask(order, 2)
    world.deliver()
    assert world.execution(return_id) == ("RUNNING", "Pending")

    world.approve(return_id)
    world.deliver()
    assert world.execution(return_id) == ("RUNNING", "Approved")
    received(world, return_id, order)
    world.deliver()
    assert world.execution(return_id) == ("RUNNING", "Received")
    world.refund(return_id)
    world.deliver()
    assert world.execution(return_id) == ("RUNNING", "Refunded")
    world.settle()

    assert world.execution(return_id) == ("SUCCEEDED", "Closed")
    assert world.entered(return_id) == WHOLE_WAY
    assert world.status(return_id) == "closed"


@pytest.mark.parametrize(("verb", "end"), [("reject", "Rejected"), ("cancel", "Cancelled")])
def test_an_execution_ends_where_its_return_ends(world: Followed, verb: str, end: str) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()

    world.shop.do(f"admin/returns/{verb}_return", return_id=return_id, body={})
    world.deliver()

    assert world.execution(return_id) == ("SUCCEEDED", end)


def test_a_parcel_in_parts_is_waited_for_until_every_unit_is_accounted_for(world: Followed) -> None:
    order = world.sell()
    return_id = world.ask(order, 3)
    world.approve(return_id)
    for _ in range(2):
        received(world, return_id, order, 1)
        world.deliver()
        assert world.execution(return_id) == ("RUNNING", "PartiallyReceived")

    received(world, return_id, order, 1)
    world.deliver()

    assert world.execution(return_id) == ("RUNNING", "Received")
    assert world.entered(return_id).count("PartiallyReceived") == 1


def test_what_is_refunded_without_the_payment_provider_is_closed_at_once(world: Followed) -> None:
    order = world.sell()
    return_id = world.returned(order, 1, method="store_credit")

    world.refund(return_id)
    world.deliver()

    assert world.execution(return_id) == ("SUCCEEDED", "Closed")


def test_where_nothing_is_left_to_give_the_return_closes_by_itself(world: Followed) -> None:
    order = world.sell()
    return_id = world.ask(order, 2)
    world.approve(return_id)
    received(world, return_id, order)
    world.shop.do("v2/payments/refund_payment", id=order.payment_intent_id)
    world.settle()

    world.refund(return_id)
    world.deliver()

    assert world.execution(return_id) == ("SUCCEEDED", "Closed")
    assert world.get(return_id)["refunds"] == []


def test_a_refund_that_fails_is_waited_for_until_another_one_succeeds(world: Followed) -> None:
    order = world.sell(card="pm_card_pendingRefund")
    return_id = world.returned(order, 1)
    world.refund(return_id)
    world.fail_refund(order)
    assert world.get(return_id)["refunds"][0]["status"] == "failed"
    assert world.execution(return_id) == ("RUNNING", "Refunded")

    world.refund(return_id, refund_method="store_credit")
    world.settle()

    assert world.execution(return_id) == ("SUCCEEDED", "Closed")


# Late, twice, in another order, never


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_and_however_often_the_events_arrive_the_end_is_the_same(world: Followed, seed: int) -> None:
    chance = random.Random(seed)
    order = world.sell()
    return_id = world.ask(order, 2)
    for step in (
        lambda: world.approve(return_id),
        lambda: received(world, return_id, order),
        lambda: world.refund(return_id),
        lambda: world.settle(),
    ):
        step()
        messages = [each for each in world.waiting() if chance.random() < 0.5]
        world.deliver(chance.sample(messages * 2, 2 * len(messages)))
    messages = world.waiting()
    world.deliver(chance.sample(messages * 3, 3 * len(messages)))

    assert world.execution(return_id) == ("SUCCEEDED", "Closed")
    assert list(world.machine.executions) == [return_id]
    assert len(world.mails) <= 1


def test_a_return_that_was_called_off_before_anything_arrived_gets_no_label(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.approve(return_id)
    world.shop.do("admin/returns/cancel_return", return_id=return_id, body={})

    world.deliver()

    assert world.entered(return_id) == ["Pending", "AfterPending", "Cancelled"]
    assert world.mails == []


def test_of_an_approval_and_a_cancellation_the_table_lets_one_happen_and_the_workflow_follows(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()
    world.shop.do("admin/returns/cancel_return", return_id=return_id, body={})

    refused = world.try_("admin/returns/approve_return", method="POST", return_id=return_id)
    world.deliver()

    assert refused == (409, "illegal_transition")
    assert world.execution(return_id) == ("SUCCEEDED", "Cancelled")


def test_where_every_event_gets_lost_the_schedule_makes_up_for_it(world: Followed) -> None:
    order = world.sell()
    return_id = world.ask(order, 2)
    later = LATER
    for step in (
        lambda: None,
        lambda: world.approve(return_id),
        lambda: received(world, return_id, order),
        lambda: world.refund(return_id),
        lambda: super(Followed, world).settle(),
    ):
        step()
        world.lose()
        assert look(later)["workflows"] == {"done": 1, "failed": 0}
        later *= 3

    assert world.execution(return_id) == ("SUCCEEDED", "Closed")
    assert world.entered(return_id) == WHOLE_WAY
    assert list(world.machine.executions) == [return_id]


def test_a_return_that_goes_on_is_left_alone_and_one_that_has_ended_is_looked_after_no_more(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()
    before = row(world, return_id)

    look()
    assert list(world.machine.executions) == [return_id]
    assert row(world, return_id)["waiting"] == before["waiting"]
    world.shop.do("admin/returns/reject_return", return_id=return_id, body={})
    world.deliver()
    look(timedelta(minutes=20))

    assert "gsi3pk" not in row(world, return_id)
    assert look(timedelta(days=3))["workflows"] == {"done": 0, "failed": 0}


def test_two_schedules_at_once_and_an_event_with_them_start_one_execution(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    started: list[str] = []

    def start(name: str, *rest: Any) -> None:
        if not started:
            started.append(name)
            look()
            world.deliver()
        workflow_start(name, *rest)

    workflow_start = workflow_client.start
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workflow_client, "start", start)
        world.deliver()

    assert list(world.machine.executions) == [return_id]
    assert row(world, return_id)["started"] == 1


# Waiting


def wait(world: Followed, return_id: str, status: ReturnStatus = ReturnStatus.PENDING, **given: Any) -> Any:
    event = {
        "tenant": world.tenant.tenant_id,
        "mode": str(world.tenant.mode),
        "return_id": return_id,
        "generation": 1,
        "status": str(status),
        "token": "token",
        "entered_at": "9",
        "retry": 0,
    }
    return handler("workflows/return_lifecycle/wait_for_return").handler(event | given, None)


def test_a_task_that_waits_twice_changes_nothing(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)

    wait(world, return_id)
    before = row(world, return_id)
    wait(world, return_id)

    assert row(world, return_id) == before


def test_of_two_tries_of_a_task_the_later_one_waits(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    wait(world, return_id, token="second", retry=1)

    wait(world, return_id, token="first", retry=0)

    workflow = workflow_store.find(world.tenant, return_id)
    assert workflow is not None
    assert workflow.waiting == Waiting(ReturnStatus.PENDING, "second", "9#001")


def test_a_task_of_an_execution_that_was_replaced_waits_in_vain(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()
    world.redrive(return_id)
    before = row(world, return_id)

    wait(world, return_id, generation=1)

    assert row(world, return_id) == before


def test_a_return_that_moves_while_its_task_begins_to_wait_is_not_missed(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    note = driving._note

    def approve_in_between(*given: Any) -> bool:
        noted = note(*given)
        if given[-1].status is ReturnStatus.PENDING:
            world.approve(return_id)
            world.lose()
        return noted

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(driving, "_note", approve_in_between)
        driving.drive(world.tenant, return_id)

    assert world.execution(return_id) == ("RUNNING", "Approved")


def test_a_token_that_nobody_waits_with_is_ignored_and_forgotten(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()
    wait(world, return_id, token="unknown")
    world.approve(return_id)

    assert driving.drive(world.tenant, return_id) is Driven.NOTHING

    assert row(world, return_id).get("waiting") is None


def test_a_wait_that_times_out_is_one_more_wait_and_its_token_is_worth_nothing(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()
    old = str(world.machine.executions[return_id].token)

    world.machine.time_out(return_id)
    assert not world.machine.answer(old, {"status": "approved"})
    assert world.execution(return_id) == ("RUNNING", "Pending")
    world.approve(return_id)
    world.deliver()

    assert world.execution(return_id) == ("RUNNING", "Approved")


# Executions that are lost


@pytest.mark.parametrize("killed_in", ["Pending", "Approved", "PartiallyReceived", "Received", "Refunded"])
@pytest.mark.parametrize("by", ["the schedule", "an operator"])
def test_an_execution_that_is_killed_anywhere_is_replaced_and_nothing_is_done_twice(
    world: Followed, killed_in: str, by: str
) -> None:
    order = world.sell()
    return_id = world.ask(order, 2)
    for step in (
        lambda: None,
        lambda: world.approve(return_id),
        lambda: received(world, return_id, order, 1),
        lambda: received(world, return_id, order, 1),
        lambda: world.refund(return_id),
        lambda: super(Followed, world).settle(),
    ):
        step()
        world.deliver()
        if world.execution(return_id) == ("RUNNING", killed_in):
            world.machine.stop(return_id)
            if by == "an operator":
                world.redrive(return_id)
            else:
                look()
            world.deliver()

    assert list(world.machine.executions) == [return_id, f"{return_id}-2"]
    assert world.execution(return_id) == ("ABORTED", killed_in)
    assert world.execution(f"{return_id}-2") == ("SUCCEEDED", "Closed")
    assert len(world.mails) == 1
    assert len(world.get(return_id)["refunds"]) == 1


def test_a_task_that_fails_for_good_fails_its_execution_and_the_next_one_does_it(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()
    tries = 0

    def away(_: Mail) -> None:
        nonlocal tries
        tries += 1
        raise Unavailable

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ses, "send", away)
        world.approve(return_id)
        world.deliver()
    assert world.execution(return_id) == ("FAILED", "Failed")
    assert world.machine.executions[return_id].output == "Temporarily unavailable, try again"
    assert tries == 7

    look()

    assert world.execution(f"{return_id}-2") == ("RUNNING", "Approved")
    assert len(world.mails) == 1


def test_an_execution_that_hangs_is_replaced_only_after_some_minutes(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()
    wait(world, return_id, token="unknown")
    then = clock.now() + LATER
    with clock.use(lambda: then):
        world.approve(return_id)
        world.lose()
        handler("schedules/decide_overdue_returns").handler({}, None)
        assert list(world.machine.executions) == [return_id]

    look(3 * LATER)

    assert world.execution(return_id) == ("ABORTED", "Pending")
    assert world.execution(f"{return_id}-2") == ("RUNNING", "Approved")


# Redriving


def test_two_redrives_at_once_give_one_execution(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()

    answers = [world.redrive(return_id) for _ in range(2)]
    [asked] = [event for event in told(world.table.scan()["Items"]) if event.type == driving.REDRIVE_REQUESTED]
    world.deliver()

    assert answers == [{"return_id": return_id, "execution": f"{return_id}-2", "generation": 2}] * 2
    assert (asked.data.object.model_dump()["actor"], asked.sequence) == ("api_key:key_1", 1)
    assert world.execution(return_id) == ("ABORTED", "Pending")
    assert world.execution(f"{return_id}-2") == ("RUNNING", "Pending")
    assert list(world.machine.executions) == [return_id, f"{return_id}-2"]


def test_each_redrive_stops_the_execution_before_it(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    for _ in range(3):
        world.deliver()
        world.redrive(return_id)
    world.deliver()

    assert [each.status for each in world.machine.executions.values()] == [*["ABORTED"] * 3, "RUNNING"]


def test_a_return_that_has_ended_is_not_redriven(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.shop.do("admin/returns/reject_return", return_id=return_id, body={})

    assert world.try_("admin/returns/redrive_return", return_id=return_id) == (409, "return_ended")


def test_who_may_only_look_or_belongs_to_another_shop_redrives_nothing(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    reader, stranger = Credential(scopes=frozenset({"returns:read"})), Credential(tenant=OTHER_TENANT)

    for by, status in ((reader, 403), (stranger, 404)):
        assert world.shop.call("admin/returns/redrive_return", credential=by, return_id=return_id).status == status
    assert row(world, return_id)["generation"] == 1


# The mail


def mail_task(world: Followed, return_id: str) -> str:
    event = {"tenant": world.tenant.tenant_id, "mode": str(world.tenant.mode), "return_id": return_id}
    return str(handler("workflows/return_lifecycle/mail_return_label").handler(event, None)["outcome"])


def test_the_customer_is_mailed_the_very_label_that_was_issued(world: Followed) -> None:
    return_id = world.ask(world.sell(), 2)
    world.approve(return_id)

    world.deliver()

    [mail] = world.mails
    number = world.get(return_id)["rma_number"]
    assert mail.to == "jane@example.com"
    assert mail.subject == f"Your return {number} to Shop"
    for text in (mail.text, mail.html):
        assert number in text
        assert "Product TEE" in text
    [attached] = mail.attachments
    assert (attached.name, attached.content_type) == (f"{number}.pdf", "application/pdf")
    assert attached.content == labels.read(world.tenant, return_id)
    assert attached.content.startswith(b"%PDF-")


def test_the_label_is_mailed_once_however_often_the_task_runs(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.approve(return_id)

    assert {mail_task(world, return_id) for _ in range(3)} == {"mailed"}

    assert len(world.mails) == 1


def test_a_mailer_that_dies_before_it_says_so_mails_the_same_label_again(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.approve(return_id)

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workflow_store, "save", die)
        with pytest.raises(Killed):
            mail_task(world, return_id)
    assert mail_task(world, return_id) == "mailed"

    first, second = world.mails
    assert first == second


def test_a_customer_who_cannot_be_reached_is_an_outcome_and_the_return_goes_on(
    world: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Mail) -> None:
        raise Refused

    monkeypatch.setattr(ses, "send", refuse)
    order = world.sell()
    return_id = world.ask(order, 2)
    world.approve(return_id)
    world.deliver()
    assert world.execution(return_id) == ("RUNNING", "Approved")
    assert row(world, return_id)["label"] == LabelOutcome.REFUSED

    received(world, return_id, order)
    world.deliver()

    assert world.execution(return_id) == ("RUNNING", "Received")


def test_who_sent_the_parcel_already_gets_no_label_any_more(world: Followed) -> None:
    return_id = world.returned(world.sell(), 1)

    assert mail_task(world, return_id) == "not_needed"

    assert world.mails == []


# Refunding by itself


def test_a_shop_that_refunds_on_receipt_does_so_without_its_staff(world: Followed) -> None:
    world.decide(refunds_on_receipt=True)
    return_id = world.returned(world.sell(), 2)

    world.deliver()
    world.settle()

    assert world.execution(return_id) == ("SUCCEEDED", "Closed")
    assert [step["actor"] for step in world.get(return_id)["history"]][-2:] == ["system:return_workflow"] * 2


def refund_task(world: Followed, return_id: str) -> str:
    event = {"tenant": world.tenant.tenant_id, "mode": str(world.tenant.mode), "return_id": return_id}
    return str(handler("workflows/return_lifecycle/refund_received_return").handler(event, None)["outcome"])


def test_refunding_by_itself_happens_once(world: Followed) -> None:
    world.decide(refunds_on_receipt=True)
    return_id = world.returned(world.sell(), 1)

    assert [refund_task(world, return_id) for _ in range(3)] == ["refunded"] * 3

    assert len(world.get(return_id)["refunds"]) == 1


def test_a_refund_that_failed_is_not_asked_for_again_by_a_task_that_runs_again(world: Followed) -> None:
    world.decide(refunds_on_receipt=True)
    order = world.sell(card="pm_card_pendingRefund")
    return_id = world.returned(order, 1)
    refund_task(world, return_id)
    world.fail_refund(order)
    assert world.get(return_id)["refunds"][0]["status"] == "failed"

    refund_task(world, return_id)

    assert len(world.get(return_id)["refunds"]) == 1


def test_a_refund_that_is_refused_is_left_to_the_staff_and_the_execution_waits(
    world: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Invalid("More than is left", field="amount", reason="refund_exceeds_order")

    monkeypatch.setattr(use_cases, "refund", refuse)
    world.decide(refunds_on_receipt=True)
    return_id = world.returned(world.sell(), 1)

    assert refund_task(world, return_id) == "refund_exceeds_order"

    world.deliver()
    assert world.execution(return_id) == ("RUNNING", "Received")


def test_other_shops_leave_the_refund_to_their_staff(world: Followed) -> None:
    return_id = world.returned(world.sell(), 1)

    assert refund_task(world, return_id) == "left_to_staff"

    assert world.status(return_id) == "received"


# Deadlines


def test_a_request_that_nobody_decides_is_rejected_and_its_execution_ends(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    world.deliver()

    assert look(timedelta(days=13))["returns"] == {"done": 0, "failed": 0}
    assert look(timedelta(days=14, minutes=1))["returns"] == {"done": 1, "failed": 0}
    world.deliver()

    assert world.execution(return_id) == ("SUCCEEDED", "Rejected")
    assert world.get(return_id)["ended_because"] == "undecided"


@pytest.mark.parametrize(("units", "state"), [(0, "Cancelled"), (1, "Received")])
def test_what_does_not_come_back_in_time_is_missing(world: Followed, units: int, state: str) -> None:
    order = world.sell()
    return_id = world.ask(order, 2)
    world.approve(return_id)
    if units:
        received(world, return_id, order, units)
    world.deliver()

    look(timedelta(days=30, minutes=1))
    world.deliver()

    assert world.execution(return_id)[1] == state
    assert ReturnStatus(world.status(return_id)) in FINAL or units


def test_one_return_that_cannot_be_dealt_with_does_not_keep_the_others_waiting(world: Followed) -> None:
    broken, sound = (world.ask(world.sell(), 1) for _ in range(2))
    [spoilt] = [
        each for each in world.table.scan()["Items"] if each["kind"] == "return" and each["return_id"] == broken
    ]
    world.table.put_item(Item=spoilt | {"method": "odd"})

    counts = look(timedelta(days=15))

    assert counts == {"returns": {"done": 1, "failed": 1}, "workflows": {"done": 1, "failed": 1}}
    assert world.status(sound) == "rejected"
    world.table.put_item(Item=spoilt)


# The queue


def test_a_message_that_cannot_be_read_comes_back_alone(world: Followed) -> None:
    return_id = world.ask(world.sell(), 1)
    [created] = world.waiting()

    assert drive({"messageId": "poison", "body": "{"}, created) == ["poison"]

    assert world.execution(return_id) == ("RUNNING", "Pending")


def test_while_step_functions_is_away_the_batch_waits_in_the_queue(world: Followed) -> None:
    for _ in range(2):
        world.ask(world.sell(), 1)
    messages = world.waiting()

    def away(*_: Any) -> None:
        raise Unavailable

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workflow_client, "start", away)
        assert drive(*messages) == [each["messageId"] for each in messages]
    world.deliver(messages)

    assert len(world.machine.executions) == 2


def test_every_move_that_an_execution_does_not_make_itself_is_on_its_queue() -> None:
    verbs = {"created", *(str(status) for status in ReturnStatus)} - {"pending", "partially_received", "closed"}

    assert set(TYPES) == {f"return.{verb}" for verb in verbs} | {driving.REDRIVE_REQUESTED, "refund.settled"}


def test_no_token_and_no_address_stands_in_a_log(
    world: Followed, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger._logger, "propagate", True)
    caplog.set_level("INFO", logger=logger._logger.name)
    return_id = world.ask(world.sell(), 1)
    world.approve(return_id)
    world.deliver()

    logged = str([vars(record) for record in caplog.records])
    assert "return waited for" in logged
    assert str(world.machine.executions[return_id].token) not in logged
    assert "jane@example.com" not in logged
