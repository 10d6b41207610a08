"""The workflow of a return: its states are the model's statuses, its ways their moves, and it always has a next one."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import Unavailable
from commerce.kernel.money import Money
from commerce.refunds.model import Method
from commerce.returns import workflow_client
from commerce.returns.model import FINAL, MOVES, Return, ReturnStatus
from commerce.returns.queue import return_in
from commerce.returns.workflow_model import (
    LOOK_AFTER,
    LOOK_AT_LEAST_EVERY,
    ReturnWorkflow,
    Waiting,
    next_move,
)
from local.draw_returns import FILE, page
from tests.shop import TENANT
from tests.template import ROOT

STATES: dict[str, Any] = json.loads((ROOT / "functions/workflows/return_lifecycle/definition.asl.json").read_text())[
    "States"
]
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def named(status: ReturnStatus) -> str:
    return status.title().replace("_", "")


OF_STATUS = {named(status): status for status in ReturnStatus}


def ends(name: str) -> Iterator[ReturnStatus]:
    """The statuses that a way leads to from a state which is none itself, through tasks and choices."""
    if name in OF_STATUS:
        yield OF_STATUS[name]
    else:
        for following in onwards(name):
            yield from ends(following)


def onwards(name: str) -> list[str]:
    state = STATES[name]
    return [choice["Next"] for choice in state["Choices"]] if state["Type"] == "Choice" else [state["Next"]]


def waiting() -> list[str]:
    return [name for name, state in STATES.items() if str(state.get("Resource")).endswith(".waitForTaskToken")]


# The definition


def test_the_ways_between_the_states_are_the_moves_of_a_return() -> None:
    drawn = {
        status: frozenset(end for following in onwards(named(status)) for end in ends(following))
        if STATES[named(status)]["Type"] != "Succeed"
        else frozenset()
        for status in ReturnStatus
    }

    assert drawn == MOVES


def test_an_execution_begins_as_a_return_does_and_ends_where_a_return_ends() -> None:
    definition = json.loads((ROOT / "functions/workflows/return_lifecycle/definition.asl.json").read_text())

    assert OF_STATUS[definition["StartAt"]] is ReturnStatus.PENDING
    assert {OF_STATUS[name] for name, state in STATES.items() if state["Type"] == "Succeed"} == FINAL


def test_it_waits_in_every_status_that_a_return_can_leave_and_says_in_which() -> None:
    assert {OF_STATUS[name] for name in waiting()} == set(ReturnStatus) - FINAL
    for name in waiting():
        payload = STATES[name]["Parameters"]["Payload"]
        assert payload["status"] == OF_STATUS[name]
        assert payload["token.$"] == "$$.Task.Token"


def test_every_word_of_a_choice_leads_to_the_status_of_that_name_and_any_other_waits_again() -> None:
    for name, state in STATES.items():
        if state["Type"] == "Choice":
            for choice in state["Choices"]:
                assert list(ends(choice["Next"])) == [ReturnStatus(choice["StringEquals"])], name
            assert f"After{state['Default']}" == name
            assert state["Default"] in waiting()


def test_every_task_is_tried_again_and_what_fails_for_good_fails_the_execution() -> None:
    tasks = {name: state for name, state in STATES.items() if state["Type"] == "Task"}

    for name, state in tasks.items():
        [retry] = state["Retry"]
        assert (retry["MaxAttempts"], retry["BackoffRate"], retry["JitterStrategy"]) == (6, 2, "FULL"), name
        assert state["TimeoutSeconds"], name
        assert state["Catch"][-1] == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}, name
    assert STATES["Failed"]["Type"] == "Fail"


def test_a_wait_that_times_out_is_no_failure_and_waits_again() -> None:
    for name in waiting():
        assert STATES[name]["Catch"][0] == {"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": name}
        assert [retry["ErrorEquals"] for retry in STATES[name]["Retry"]] == [["States.TaskFailed"]], name


def test_no_rule_of_returns_stands_in_the_definition() -> None:
    assert {state["Type"] for state in STATES.values()} == {"Task", "Choice", "Succeed", "Fail"}
    for name, state in STATES.items():
        for choice in state.get("Choices", []):
            assert set(choice) == {"Variable", "StringEquals", "Next"}, name
            assert choice["Variable"] == "$.moved.status", name


def test_the_document_shows_the_definition_as_it_is() -> None:
    assert FILE.read_text() == page(FILE.read_text()), "run local/draw_returns.py"


# The way of an execution


@pytest.mark.parametrize(("here", "there"), list(product(ReturnStatus, ReturnStatus)))
def test_an_execution_follows_its_return_by_legal_moves_alone(here: ReturnStatus, there: ReturnStatus) -> None:
    reachable, visited = {here}, [here]
    for _ in ReturnStatus:
        reachable |= {target for status in reachable for target in MOVES[status]}

    while (target := next_move(visited[-1], there)) is not None:
        assert target in MOVES[visited[-1]]
        visited.append(target)

    assert (visited[-1] is there) == (there in reachable)
    assert len(visited) == 1 or visited[-1] is there, "it went where no way leads on"


def test_an_execution_takes_the_shortest_way() -> None:
    assert next_move(ReturnStatus.APPROVED, ReturnStatus.REFUNDED) is ReturnStatus.RECEIVED
    assert next_move(ReturnStatus.PENDING, ReturnStatus.CANCELLED) is ReturnStatus.CANCELLED


# When somebody looks whether it goes on


def ret(status: ReturnStatus, updated_at: datetime = NOON) -> Return:
    return Return(
        return_id="ret_1",
        order_id="order_1",
        customer_id="cust_1",
        rma_number="RMA-0000-0000",
        items=(),
        method=Method.ORIGINAL_PAYMENT,
        status=status,
        requested_at=NOON,
        updated_at=updated_at,
        deadline=None,
        refund=Money(0, "USD"),
    )


@pytest.mark.parametrize(
    ("age", "pause"),
    [
        (timedelta(minutes=5), LOOK_AFTER),
        (timedelta(minutes=40), timedelta(minutes=40)),
        (timedelta(days=20), LOOK_AT_LEAST_EVERY),
    ],
)
def test_the_longer_a_workflow_goes_on_the_later_it_is_looked_after(age: timedelta, pause: timedelta) -> None:
    looked = ReturnWorkflow.of("ret_1", NOON).looked_after(ret(ReturnStatus.PENDING), NOON + age)

    assert looked.look_at == NOON + age + pause


@pytest.mark.parametrize("status", ReturnStatus)
def test_once_a_return_has_ended_nobody_looks_after_its_workflow(status: ReturnStatus) -> None:
    looked = ReturnWorkflow.of("ret_1", NOON).looked_after(ret(status), NOON)

    assert (looked.look_at is None) == (status in FINAL)


def test_a_workflow_that_waits_elsewhere_has_some_minutes_to_follow() -> None:
    waits = ReturnWorkflow.of("ret_1", NOON).changed(waiting=Waiting(ReturnStatus.PENDING, "token", "1"))

    assert waits.follows(ret(ReturnStatus.PENDING), NOON + timedelta(days=9))
    assert waits.follows(ret(ReturnStatus.APPROVED), NOON + LOOK_AFTER - timedelta(seconds=1))
    assert not waits.follows(ret(ReturnStatus.APPROVED), NOON + LOOK_AFTER)


def test_no_two_executions_have_the_same_name() -> None:
    first = ReturnWorkflow.of("ret_1", NOON)

    assert [first.execution, first.again().execution, first.again().again().execution] == [
        "ret_1",
        "ret_1-2",
        "ret_1-3",
    ]


def test_of_two_tries_of_a_task_the_later_one_is_the_newer() -> None:
    tries = [
        Waiting.asked(ReturnStatus.PENDING, "a", "2026-03-20T12:00:00.000Z", 0),
        Waiting.asked(ReturnStatus.PENDING, "b", "2026-03-20T12:00:00.000Z", 2),
        Waiting.asked(ReturnStatus.PENDING, "c", "2026-03-20T12:00:00.000Z", 10),
        Waiting.asked(ReturnStatus.APPROVED, "d", "2026-03-20T12:00:01.000Z", 0),
    ]

    assert [each.since for each in tries] == sorted(each.since for each in tries)


# Step Functions' words


def asking(code: str) -> Any:
    """A client that refuses everything with ``code``."""

    class Client:
        def __getattr__(self, call: str) -> Any:
            def refuse(**_: Any) -> None:
                raise ClientError({"Error": {"Code": code, "Message": ""}}, call)

            return refuse

    return Client()


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setenv("RETURN_WORKFLOW", "arn:aws:states:us-east-1:123456789012:stateMachine:ReturnLifecycle")
    return lambda code: monkeypatch.setattr(workflow_client, "client", lambda _: asking(code))


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_answer_to_a_task_that_waits_no_more_is_no_failure(refusing: Callable[[str], None], code: str) -> None:
    refusing(code)

    assert not workflow_client.answer("token", ReturnStatus.APPROVED)


def test_an_execution_that_was_started_before_is_started(refusing: Callable[[str], None]) -> None:
    refusing("ExecutionAlreadyExists")

    workflow_client.start("ret_1", TENANT, "ret_1", 1)


def test_an_execution_that_has_ended_or_never_was_is_stopped_and_does_not_run(refusing: Callable[[str], None]) -> None:
    refusing("ExecutionDoesNotExist")

    workflow_client.stop("ret_1")
    assert not workflow_client.is_running("ret_1")


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceUnavailable", "AccessDeniedException"])
def test_every_other_refusal_is_tried_again_later(refusing: Callable[[str], None], code: str) -> None:
    refusing(code)

    for call in (
        lambda: workflow_client.start("ret_1", TENANT, "ret_1", 1),
        lambda: workflow_client.stop("ret_1"),
        lambda: workflow_client.is_running("ret_1"),
        lambda: workflow_client.answer("token", ReturnStatus.APPROVED),
    ):
        with pytest.raises(Unavailable):
            call()


def test_a_message_names_the_return_that_it_is_about_or_whose_refund_it_is_about() -> None:
    told = {"tenant": "ten_1", "mode": "test", "ordering_key": "ret_1", "data": {"object": {"id": "ret_1"}}}
    settled = told | {"ordering_key": "order_1", "data": {"object": {"order_id": "order_1", "return_id": "ret_1"}}}

    for detail in (told, settled):
        assert return_in(json.dumps({"detail": detail})) == (Tenant("ten_1", Mode.TEST), "ret_1")
