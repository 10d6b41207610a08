"""Returns and their workflow, killed: at each call, at each state of the execution, and as whole processes by SIGKILL.

Whatever died: the return ends where a return may end, its refund is given once, and its label is mailed. Step Functions
runs in the test's own thread, and lives on, as AWS does. ``TILL_KILLS`` says how many processes are killed during as
many returns (200 for the full run), ``TILL_SEED`` which ones.
"""

import json
import os
import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import botocore.endpoint
import pytest

from commerce.kernel import aws, clock
from commerce.kernel.return_policy import ReturnPolicy
from commerce.mails import ses
from commerce.orders.model import Order
from commerce.refunds import execution
from commerce.refunds import store as refunds
from commerce.returns import driving, workflow_client
from commerce.returns import store as returns
from commerce.returns import use_cases as returning
from commerce.returns.model import FINAL, Receipt, Return, ReturnItem
from commerce.returns.model import Disposition as Found
from commerce.returns.use_cases import EndReturn, ReceiveItems, RefundReturn, RequestReturn
from commerce.table.transaction import run
from tests.faults.conftest import new_shop, rows_of
from tests.faults.kill import Door, Killed, strikes, survived, watching
from tests.faults.test_refund_races import PENDING, Bank, Sales, compared, hear
from tests.faults.test_stored_value_races import Shop
from tests.faults.workers import LEASE_SECONDS, Died, Failed, Invocation, Worker
from tests.payments import Stripe, signature
from tests.seeds import SEED
from tests.shop import ROOT, Answered, handler
from tests.template import template
from tests.workflow import Execution, Machine, StepFunctions

BUCKET = "till-returns"
PRICE = Decimal("7.01")
KILLS = int(os.environ.get("TILL_KILLS", "24"))
INSTANCES = 4  # at once
TRIES = 40
MOST_SPARED = 14  # about as many invocations as a return needs

WHOLE, BY_ITSELF, REJECTED, CANCELLED, REFUSED = "whole", "refunded by itself", "rejected", "cancelled", "bank refuses"
LIVES = (*(WHOLE,) * 5, *(BY_ITSELF,) * 4, REJECTED, CANCELLED, *(REFUSED,) * 2)
ENDS = {REJECTED: ("rejected", "Rejected"), CANCELLED: ("cancelled", "Cancelled")}

type Note = Callable[[str, Any], None]


@pytest.fixture(autouse=True, scope="module")
def bucket(emulator: Any) -> Iterator[None]:
    """Where labels of returns stand."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    aws.client.cache_clear()
    machine = Machine("ReturnLifecycleWorkflow")
    with mock.patch.dict(os.environ, FILES_BUCKET=BUCKET, RETURN_WORKFLOW=machine.arn):
        yield
    aws.client.cache_clear()


def opened(stripe: Stripe, *, refunds_on_receipt: bool = False) -> Sales:
    """A shop with one customer."""
    shop = Shop(new_shop(ReturnPolicy(refunds_on_receipt=refunds_on_receipt)))
    shop.welcome(1, PRICE)
    return Sales(shop, Bank(stripe))


def sold(sales: Sales, person: int, card: str = "pm_card_visa") -> Order:
    """An order of three units that is paid at Stripe and on its way."""
    order_id = sales.shop.place(person, 3).order_id
    intent = sales.start(order_id)
    assert sales.bank.stripe.pay(intent, card) == "succeeded"
    for event in sales.bank.events():
        if (event.type, event.intent_id) == ("payment_intent.succeeded", intent):
            hear(event)
    sales.ship(order_id)
    return sales.order(order_id)


# One call, one state


@contextmanager
def followed(machine: Machine, door: Door) -> Iterator[list[Any]]:
    """Step Functions and the mail service stand behind the door, and nobody waits before asking again; gives the mails
    that were sent."""
    mails: list[Any] = []
    mailer = SimpleNamespace(send_email=lambda **mail: door.through("SendEmail", lambda: mails.append(mail)))
    with (
        mock.patch.object(workflow_client, "client", return_value=StepFunctions(machine, door.through)),
        mock.patch.object(ses, "client", return_value=mailer),
        mock.patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None)),
        mock.patch.dict(os.environ, MAIL_FROM="shop@example.com"),
    ):
        yield mails


@dataclass
class Desk:
    """Returns of a shop, one after another, moved by their use cases; what follows of it is watched at the door."""

    sales: Sales
    door: Door
    return_id: str = ""

    @property
    def shop(self) -> Shop:
        return self.sales.shop

    @property
    def ret(self) -> Return:
        found = returns.find(self.shop.tenant, self.return_id)
        assert found is not None
        return found

    def request(self, units: int = 3) -> None:
        order = sold(self.sales, 0)
        wanted = RequestReturn(order.order_id, (ReturnItem(order.lines[0].line_id, units, "wrong_size"),))
        self.return_id = run(lambda tx: returning.create(tx, self.shop.merchant, wanted)).return_id

    def approve(self) -> None:
        run(lambda tx: returning.approve(tx, self.shop.merchant, self.return_id))

    def end(self, how: Callable[..., Return]) -> None:
        run(lambda tx: how(tx, self.shop.merchant, EndReturn(self.return_id)))

    def receive(self, *found: Found) -> None:
        [item] = self.ret.items
        received = ReceiveItems(self.return_id, tuple(Receipt(item.line_id, 1, what) for what in found))
        run(lambda tx: returning.receive(tx, self.shop.merchant, received))

    def refund(self) -> None:
        run(lambda tx: returning.refund(tx, self.shop.merchant, RefundReturn(self.return_id)))

    def settle(self) -> None:
        """Stripe gives back what was asked for."""
        tenant, order_id = self.shop.tenant, self.ret.order_id
        for refund in refunds.of_order(tenant, order_id):
            assert execution.execute(tenant.tenant_id, tenant.mode, order_id, refund.refund_id) == "succeeded"

    def drive(self) -> None:
        """The consumer gets the event of the last move."""
        told = {"tenant": self.shop.tenant.tenant_id, "mode": str(self.shop.tenant.mode)}
        body = json.dumps({"detail": told | {"data": {"object": {"return_id": self.return_id}}}})
        records = {"Records": [{"messageId": "m1", "body": body}]}
        self.try_(lambda: handler("queues/drive_return").handler(records, None) == {"batchItemFailures": []})

    def look(self, **later: float) -> None:
        """The schedule comes by, a while later."""
        then = clock.now() + timedelta(**later)
        schedule = handler("schedules/decide_overdue_returns")
        with clock.use(lambda: then):
            for deal_with in (schedule._decide, driving.look_after):
                self.try_(lambda: schedule._done(deal_with, self.shop.tenant, self.return_id))  # noqa: B023

    def try_(self, attempt: Callable[[], bool]) -> None:
        """Until it is done, three times at most after the one that dies."""
        for _ in range(4):
            with suppress(Killed), watching(self.door):
                if attempt():
                    return
        raise AssertionError(f"not converged after a death at {self.door.calls[self.door.strike_at or 0]}")


type Story = Callable[[Desk, Machine], str]  # gives the state that the execution ends in


def whole(desk: Desk, machine: Machine) -> str:
    desk.request()
    desk.drive()
    desk.approve()
    desk.drive()
    desk.receive(Found.RESTOCK, Found.QUARANTINE, Found.MISSING)
    desk.drive()
    desk.settle()
    desk.drive()
    return "Closed"


def undecided(desk: Desk, machine: Machine) -> str:
    desk.request()
    desk.look(days=15)
    return "Rejected"


def never_received(desk: Desk, machine: Machine) -> str:
    desk.request()
    desk.approve()
    desk.look(days=31)
    return "Cancelled"


def execution_that_is_lost(desk: Desk, machine: Machine) -> str:
    desk.request()
    desk.drive()
    desk.approve()
    machine.stop(desk.return_id)
    desk.look(minutes=6)
    desk.end(returning.cancel)
    desk.drive()
    return "Cancelled"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("story", [whole, undecided, never_received, execution_that_is_lost])
def test_a_return_ends_as_it_should_whatever_dies_of_its_workflow(
    story: Story, table: Any, stripe: Stripe, record_property: Note
) -> None:
    sales = opened(stripe, refunds_on_receipt=True)

    def tell(door: Door) -> list[str]:
        machine = Machine("ReturnLifecycleWorkflow", dies_of=(Exception, Killed))
        desk = Desk(sales, door)
        with followed(machine, door) as mails:
            state = story(desk, machine)
        *stopped, last = machine.executions.values()
        assert (last.status, last.state, str(desk.ret.status)) == ("SUCCEEDED", state, state.lower())
        assert all(each.status == "ABORTED" for each in stopped)
        label = story in (whole, execution_that_is_lost)
        assert label <= len(mails) <= label * (1 if door.strike_at is None else 2)  # who dies over a mail sends another
        return door.calls

    calls = tell(Door())
    doors = strikes(calls)
    for door in doors:
        assert len(tell(door)) > (door.strike_at or 0), "the call that was to be struck never came"
    survived(record_property, doors, calls)
    compared(sales, rows_of(table, sales.shop.call))


class Mortal(Machine):
    """One whose first execution is stopped in ``state``: as it comes there or, ``after``, once it has done its work."""

    def __init__(self, state: str, *, after: bool) -> None:
        super().__init__("ReturnLifecycleWorkflow")
        self._mortal, self._after, self.is_dead = state, after, False

    def _result(self, execution: Execution, state: Any, value: Any, context: dict[str, Any]) -> Any:
        dies = execution.state == self._mortal and not self.is_dead
        if not dies or self._after:
            value = super()._result(execution, state, value, context)
        if dies:
            self.is_dead = True
            execution.status, execution.token = "ABORTED", None
        return value


STATES = json.loads((ROOT / "functions/workflows/return_lifecycle/definition.asl.json").read_text())["States"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("after", [False, True], ids=["as it comes", "after its work"])
@pytest.mark.parametrize("state", [state for state in STATES if state != "Failed"])
def test_an_execution_that_is_killed_in_any_state_is_replaced_and_the_return_ends_once(
    state: str, after: bool, table: Any, stripe: Stripe
) -> None:
    sales, machine = opened(stripe), Mortal(state, after=after)
    desk = Desk(sales, Door())
    ends: dict[str, list[Callable[[], None]]] = {
        "Rejected": [lambda: desk.end(returning.reject)],
        "Cancelled": [lambda: desk.end(returning.cancel)],
    }
    steps: list[Callable[[], None]] = [
        *(desk.approve, lambda: desk.receive(Found.RESTOCK), lambda: desk.receive(Found.DISCARD, Found.MISSING)),
        *(desk.refund, desk.settle),
    ]

    with followed(machine, Door()) as mails:
        for step in (desk.request, *ends.get(state, steps)):
            was_alive = not machine.is_dead
            step()
            desk.drive()
            if machine.is_dead and was_alive:
                had_ended = desk.ret.status in FINAL
                replaced(desk, by_hand=after)

    ended = state if state in ends else "Closed"
    assert str(desk.ret.status) == ended.lower()
    first, *second = machine.executions.values()
    assert (first.status, first.state) == ("ABORTED", state)
    assert [(each.status, each.state) for each in second] == ([] if had_ended else [("SUCCEEDED", ended)])
    assert len(mails) == (state not in ends)
    compared(sales, rows_of(table, sales.shop.call))


def replaced(desk: Desk, *, by_hand: bool) -> None:
    """What a schedule finds, or an operator."""
    if not by_hand:
        desk.look(minutes=6)
    elif desk.ret.status not in FINAL:
        run(lambda tx: driving.redrive(tx, desk.shop.tenant, desk.return_id))
        desk.drive()


# Processes


class Machines(Machine):
    """Step Functions whose tasks run in processes."""

    def __init__(self, invoke: Callable[[str, Any], Any]) -> None:
        super().__init__("ReturnLifecycleWorkflow", dies_of=(Died, Failed))
        self._invoke = invoke

    def waits(self, token: str) -> bool:
        return token in self._waiting

    def _call(self, function: str, value: Any) -> Any:
        properties = template()["Resources"][function]["Properties"]
        file = properties["CodeUri"].removeprefix("functions/") + properties["Handler"].removesuffix(".handler")
        return self._invoke(file, json.loads(json.dumps(value)))


@dataclass
class Aws:
    """What goes on when a process dies: queues that bring a message again, Step Functions, clients that try again.

    ``owed`` are the processes that are still to be killed, in the middle of what they do, after ``spared`` invocations.
    """

    shop: Shop
    rng: random.Random
    owed: int = 0
    spared: int = 0
    mails: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    _usual: dict[str, float] = field(default_factory=dict)  # seconds that an invocation takes
    _later: deque[Callable[[], Any]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._worker = Worker()
        self.machine = Machines(lambda path, value: self._once(Invocation(path, value)))

    def let_one_die(self) -> None:
        """Kill one process more, some time from now."""
        self.owed += 1
        self.spared = self.rng.randrange(MOST_SPARED)

    def end(self) -> None:
        self._worker.kill()

    def ask(self, path: str, **request: Any) -> Any:
        """What a client does who is not answered: the same again, with the same key."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} | request.pop("headers", {})
        named = {"credential": self.shop.call.credential, "headers": headers, **request}

        def answered(answer: Answered) -> bool:
            in_flight = answer.status == 409 and "idempotency_in_flight" in answer.text
            return not in_flight and answer.status < 500

        answer: Answered = self._until(answered, Invocation(path, request=named))
        assert answer.status < 300, answer.text
        return answer.body.get("data")

    def consume(self, queue: str, body: Any) -> None:
        """A message that comes back until it is done."""
        record = {"messageId": "m1", "body": json.dumps(body)}
        done = {"batchItemFailures": list[Any]()}
        self._until(lambda answer: answer == done, Invocation(f"queues/{queue}", {"Records": [record]}))

    def told(self, **data: Any) -> dict[str, Any]:
        """An event of the bus."""
        tenant = self.shop.tenant
        return {"detail": {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "data": {"object": data}}}

    def _until(self, done: Callable[[Any], bool], invocation: Invocation) -> Any:
        for _ in range(TRIES):
            try:
                answer = self._once(invocation)
            except Died:
                answer = None
            while self._later:
                self._later.popleft()()
            if answer is not None and done(answer):
                return answer
            time.sleep(LEASE_SECONDS / 4)
        raise AssertionError(f"{invocation.path} was never done: {answer}")

    def _once(self, invocation: Invocation) -> Any:
        """One invocation; the process may be killed in its middle."""
        path = invocation.path
        at = self.rng.uniform(0, self._usual.get(path, 0.05)) if self.owed and not self.spared else None
        self.spared = max(0, self.spared - 1)
        began = time.monotonic()
        try:
            answer = self._worker.invoke(invocation, self._asked, killed_after=at)
        except Died:
            self.owed -= 1
            self.killed[path.rpartition("/")[2]] += 1
            self._worker = Worker()
            raise
        except Failed as error:
            self.failed.append(str(error))
            raise
        self._usual[path] = time.monotonic() - began
        return answer

    def _asked(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """What a process asks for. Executions go on once it is done, or dead: elsewhere, and in their own time."""
        if name == "send_mail":
            self.mails[arguments["subject"]] += 1
            return None
        if name == "start_execution" and arguments["name"] not in self.machine.executions:
            self._later.append(lambda: self.machine.start(arguments["name"], json.loads(arguments["input"])))
            return {}
        if name == "send_task_success" and self.machine.waits(arguments["taskToken"]):
            output = json.loads(arguments["output"])
            self._later.append(lambda: self.machine.answer(arguments["taskToken"], output))
            return {}
        return getattr(StepFunctions(self.machine), name)(**arguments)


@dataclass
class Life:
    """One return from its request to its end."""

    aws: Aws
    sales: Sales
    order: Order
    kind: str
    return_id: str = ""

    def live(self) -> None:
        """Every step is followed by its event, sometimes twice."""
        self.aws.let_one_die()
        for step in self._steps():
            step()
            for _ in range(self.aws.rng.choice((1, 1, 2))):
                self.aws.consume("drive_return", self.aws.told(return_id=self.return_id))

    def _steps(self) -> list[Callable[[], None]]:
        if self.kind == REJECTED:
            return [self.request, lambda: self.move("reject")]
        if self.kind == CANCELLED:
            return [self.request, self.approve, lambda: self.move("cancel")]
        come = [self.request, self.approve, self.receive_some, self.receive_all]
        if self.kind == BY_ITSELF:
            return [*come, self.settle]
        if self.kind == REFUSED:
            again: Callable[[], None] = lambda: self.move("refund", refund_method="store_credit")  # noqa: E731
            return [*come, lambda: self.move("refund"), self.settle, self.refuse, again]
        return [*come, lambda: self.move("refund"), self.settle]

    def request(self) -> None:
        units = {"order_item_id": self.order.lines[0].line_id, "quantity": 3, "reason": "wrong_size"}
        body = {"order_id": self.order.order_id, "items": [units]}
        self.return_id = str(self.aws.ask("admin/returns/create_return", body=body)["id"])

    def approve(self) -> None:
        self.aws.ask("admin/returns/approve_return", method="POST", return_id=self.return_id)

    def move(self, verb: str, **body: Any) -> None:
        self.aws.ask(f"admin/returns/{verb}_return", return_id=self.return_id, body=body)

    def receive_some(self) -> None:
        self._receive(restock=1)

    def receive_all(self) -> None:
        self._receive(quarantine=1, missing=1)

    def _receive(self, **units: int) -> None:
        line_id = self.order.lines[0].line_id
        found = [{"order_item_id": line_id, "quantity": many, "disposition": what} for what, many in units.items()]
        self.move("receive", items=found)

    def settle(self) -> None:
        """The refund is asked for, and heard of."""
        for refund in refunds.of_order(self.sales.shop.tenant, self.order.order_id):
            asked = self.aws.told(order_id=refund.order_id, refund_id=refund.refund_id)
            self.aws.consume("execute_refund", asked)
        self._hear()

    def refuse(self) -> None:
        """The bank of the one refund refuses it."""
        [refund] = refunds.of_order(self.sales.shop.tenant, self.order.order_id)
        assert self.sales.bank.post(f"/refunds/{refund.provider_id}/settle", outcome="failure")
        self._hear()

    def _hear(self) -> None:
        """What Stripe tells of the order's refunds is delivered, and applied."""
        for event in self.sales.bank.stripe.sdk.v1.events.list({"limit": 40}).data:
            told = event.to_dict()
            subject = told["data"]["object"]
            if "refund" in told["type"] and subject["payment_intent"] == self.order.payment_intent_id:
                payload = json.dumps(told)
                headers = {"Stripe-Signature": signature(payload.encode())}
                self.aws.ask("stripe_webhook/payments/receive_stripe_event", body=payload, headers=headers)
                self.aws.consume("apply_stripe_event", {"event_id": told["id"]})

    def require_ended(self) -> None:
        """Raise AssertionError unless the return and its execution ended alike, as they should."""
        ret = returns.find(self.sales.shop.tenant, self.return_id)
        assert ret is not None
        status, state = ENDS.get(self.kind, ("closed", "Closed"))
        followed = self.aws.machine.executions[self.return_id]
        ended = (str(ret.status), followed.status, followed.state)
        assert ended == (status, "SUCCEEDED", state), f"{self.kind} {self.return_id}: {followed}"
        mails = sum(times for subject, times in self.aws.mails.items() if ret.rma_number in subject)
        assert mails >= (self.kind not in (REJECTED, CANCELLED)), "the label was not mailed"
        order = self.sales.order(self.order.order_id)
        back = 0 if self.kind in ENDS else 1402  # two of three units
        assert (order.refunded.minor, order.refunding.minor) == (back, 0), f"{self.kind}: {order}"


@pytest.mark.timeout(60 + 10 * KILLS)
def test_processes_are_killed_during_returns_and_every_return_ends_with_the_right_money(
    table: Any, stripe: Stripe, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    left, lock = iter(range(KILLS)), threading.Lock()
    machines: list[Aws] = []

    def run_shop(number: int) -> tuple[Sales, Aws, list[Life]]:
        """A shop of its own, with as many returns as it comes to; more, until all are dead that were to die."""
        rng = random.Random(f"{SEED}-{number}")
        by_itself = bool(number % 2)
        sales = opened(stripe, refunds_on_receipt=by_itself)
        here, lives = Aws(sales.shop, rng), list[Life]()
        machines.append(here)
        while True:
            with lock:
                more = next(left, None)
            if more is None and not here.owed:
                return sales, here, lives
            kind = rng.choice([each for each in LIVES if (each == BY_ITSELF) == by_itself or each in ENDS])
            life = Life(here, sales, sold(sales, 0, PENDING if kind == REFUSED else "pm_card_visa"), kind)
            lives.append(life)
            life.live()
            life.require_ended()

    try:
        with ThreadPoolExecutor(INSTANCES) as pool:
            shops = list(pool.map(run_shop, range(INSTANCES)))
    finally:
        for each in machines:
            each.end()

    killed, kinds = Counter[str](), Counter[str]()
    for sales, here, lives in shops:
        compared(sales, rows_of(table, sales.shop.call))
        killed += here.killed
        kinds += Counter(life.kind for life in lives)
        assert not here.failed, here.failed[0]
        assert sorted(here.machine.executions) == sorted(life.return_id for life in lives)
    with capsys.disabled():
        print(f"\n  seed {SEED}: {killed.total()} processes killed during {kinds.total()} returns", end=" ")
        print(f"in {time.monotonic() - began:.0f} s")
        print("    killed at: " + ", ".join(f"{what} {times}" for what, times in killed.most_common()))
        print("    returns: " + ", ".join(f"{what} {times}" for what, times in kinds.most_common()))
    assert killed.total() >= KILLS
