"""Step Functions in the test's own thread: runs a definition of the template, task by task, as far as ours need it.

A task that waits for its token halts its execution. Whoever answers it runs the execution on, to its next halt or end.
"""

import copy
import itertools
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from commerce.kernel.caller import Tenant
from commerce.returns import workflow_store
from commerce.table.transaction import run
from tests.shop import ROOT, handler
from tests.template import template

WAITS = ".waitForTaskToken"
_NUMBER = itertools.count()


@dataclass
class Execution:
    """RUNNING, SUCCEEDED, FAILED or ABORTED; in which state; with which output or cause, and how it came there."""

    name: str
    status: str = "RUNNING"
    state: str = ""
    output: Any = None
    waits: int = 0
    entered: list[str] = field(default_factory=list)  # each is what AWS counts as a transition
    token: str | None = None  # of the task that it is halted at
    value: Any = None  # what that task was given


class Machine:
    """A state machine of the template, with the names of its executions, of which none starts twice.

    ``dies_of`` is what a task may raise that is tried again.
    """

    def __init__(
        self, name: str, *, dies_of: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> None:
        properties = template()["Resources"][name]["Properties"]
        self.arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:{name}"
        self.definition = json.loads((ROOT / properties["DefinitionUri"]).read_text())
        self._functions = {
            "${" + token + "}": arn["Fn::GetAtt"][0] for token, arn in properties["DefinitionSubstitutions"].items()
        }
        self._dies_of = dies_of
        self._waiting: dict[str, Execution] = {}  # by token
        self._answers: dict[str, Any] = {}  # that came before their task had halted
        self.executions: dict[str, Execution] = {}

    def start(self, name: str, given: Mapping[str, Any]) -> bool:
        """Run an execution until it waits or ends; False when there was one of this name."""
        if name in self.executions:
            return False
        execution = self.executions[name] = Execution(name)
        self._run(execution, self.definition, self.definition["StartAt"], json.loads(json.dumps(given)))
        return True

    def stop(self, name: str) -> bool:
        """End an execution where it is; False when it has ended, or never was."""
        execution = self.executions.get(name)
        if execution is None or execution.status != "RUNNING":
            return False
        execution.status, execution.token = "ABORTED", None
        return True

    def answer(self, token: str, output: Any) -> bool:
        """Give a waiting task its result, and run on; False when none waits with this token."""
        execution = self._waiting.pop(token, None)
        if execution is None or execution.status != "RUNNING":
            return False
        if execution.token == token:
            self._resume(execution, output)
        else:
            self._answers[token] = output
        return True

    def time_out(self, name: str) -> None:
        """Let the task time out that an execution waits with."""
        execution = self.executions[name]
        del self._waiting[str(execution.token)]
        self._resume(execution, None)

    def _resume(self, execution: Execution, output: Any) -> None:
        """Run on with a task's result; without one, as after its time-out."""
        state, value = self.definition["States"][execution.state], execution.value
        execution.token = None
        if output is None:
            value, following = _caught(state, value, "States.Timeout", "")
        else:
            value, following = _put(value, state.get("ResultPath", "$"), output), _next(state, value)
        self._run(execution, self.definition, following, value)

    def _run(self, execution: Execution, definition: Any, name: str, value: Any) -> None:
        context = {"$$.Execution.Name": execution.name}
        while execution.status == "RUNNING":
            state = definition["States"][name]
            execution.state = name
            execution.entered.append(name)
            try:
                value = self._result(execution, state, value, context)
            except self._dies_of as error:
                if "Catch" not in state:
                    raise
                value, name = _caught(state, value, type(error).__name__, str(error))
                continue
            if execution.token is not None or execution.status != "RUNNING":
                return
            if state["Type"] == "Succeed" or state.get("End"):
                execution.status, execution.output = "SUCCEEDED", value
                return
            name = _next(state, value)

    def _result(self, execution: Execution, state: Any, value: Any, context: dict[str, Any]) -> Any:
        if state["Type"] == "Task":
            return self._task(execution, state, value, context)
        if state["Type"] == "Map":
            return self._map(execution, state, value, context)
        if state["Type"] == "Pass":
            return _filled(state["Parameters"], value, context)
        if state["Type"] == "Fail":
            execution.status, execution.output = "FAILED", _at(state["CausePath"], value, context)
        execution.waits += state["Type"] == "Wait"
        return value

    def _map(self, execution: Execution, state: Any, value: Any, context: dict[str, Any]) -> Any:
        results, processor = [], state["ItemProcessor"]
        for item in _at(state["ItemsPath"], value, context):
            own = Execution(execution.name)
            given = _filled(state["ItemSelector"], value, context | {"$$.Map.Item.Value": item})
            self._run(own, processor, processor["StartAt"], given)
            results.append(own.output)
        return _put(value, state["ResultPath"], results)

    def _task(self, execution: Execution, state: Any, value: Any, context: dict[str, Any]) -> Any:
        """What the state gives; where it waits, the execution has a token, and it gives nothing yet."""
        entered = {"$$.State.EnteredTime": f"{next(_NUMBER):012d}"}
        attempts = 1 + sum(retry["MaxAttempts"] for retry in state.get("Retry", []))
        for retry in range(attempts):
            token = str(uuid.uuid4())
            of_task = {"$$.Task.Token": token, "$$.State.RetryCount": retry}
            try:
                result = self._tried(execution, state, value, context | entered | of_task, token)
            except self._dies_of:
                if retry + 1 == attempts:
                    raise
            else:
                return _put(value, state.get("ResultPath", "$"), result)
        raise AssertionError

    def _tried(self, execution: Execution, state: Any, value: Any, context: dict[str, Any], token: str) -> Any:
        given = _filled(state["Parameters"], value, context) if "Parameters" in state else value
        if not state["Resource"].endswith(WAITS):
            return self._call(self._functions[state["Resource"]], given)
        self._waiting[token] = execution
        try:
            self._call(self._functions[given["FunctionName"]], given["Payload"])
        except BaseException:
            del self._waiting[token]
            raise
        if token in self._answers:
            return self._answers.pop(token)
        execution.token, execution.value = token, value
        return None

    def _call(self, function: str, value: Any) -> Any:
        properties = template()["Resources"][function]["Properties"]
        file = properties["CodeUri"].removeprefix("functions/") + properties["Handler"].removesuffix(".handler")
        return json.loads(json.dumps(handler(file).handler(copy.deepcopy(value), None)))


class StepFunctions:
    """A machine as botocore's client shows it. ``through`` is the door that every call goes through, by its name."""

    def __init__(self, machine: Machine, through: Callable[[str, Callable[[], Any]], Any] | None = None) -> None:
        self.machine = machine
        self._through = through or (lambda _, send: send())

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: N803
        assert stateMachineArn == self.machine.arn
        started = self._through("StartExecution", lambda: self.machine.start(name, json.loads(input)))
        return {} if started else _refuse("ExecutionAlreadyExists", "StartExecution")

    def stop_execution(self, *, executionArn: str, cause: str) -> dict[str, Any]:  # noqa: N803
        assert cause
        name = self._name(executionArn)
        stopped = self._through("StopExecution", lambda: self.machine.stop(name))
        known = name in self.machine.executions  # to stop what has ended is no error
        return {} if stopped or known else _refuse("ExecutionDoesNotExist", "StopExecution")

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        found = self._through("DescribeExecution", lambda: self.machine.executions.get(self._name(executionArn)))
        return {"status": found.status} if found else _refuse("ExecutionDoesNotExist", "DescribeExecution")

    def send_task_success(self, *, taskToken: str, output: str) -> dict[str, Any]:  # noqa: N803
        sent = self._through("SendTaskSuccess", lambda: self.machine.answer(taskToken, json.loads(output)))
        return {} if sent else _refuse("TaskTimedOut", "SendTaskSuccess")

    def _name(self, arn: str) -> str:
        prefix = self.machine.arn.replace(":stateMachine:", ":execution:") + ":"
        assert arn.startswith(prefix)
        return arn.removeprefix(prefix)


def follow(tenant: Tenant, return_id: str) -> None:
    """Say that the execution of a return's workflow was started, where there is no machine."""
    workflow = workflow_store.find(tenant, return_id)
    assert workflow is not None
    run(lambda tx: workflow_store.save(tx, tenant, workflow.changed(started=workflow.generation)))


def _refuse(code: str, call: str) -> dict[str, Any]:
    raise ClientError({"Error": {"Code": code, "Message": code}}, call)


def _next(state: Any, value: Any) -> str:
    if state["Type"] != "Choice":
        return str(state["Next"])
    for choice in state["Choices"]:
        if _at(choice["Variable"], value, {}) == choice["StringEquals"]:
            return str(choice["Next"])
    return str(state["Default"])


def _caught(state: Any, value: Any, error: str, cause: str) -> tuple[Any, str]:
    """Where a task goes on that failed for good."""
    for catch in state["Catch"]:
        if {error, "States.ALL"} & set(catch["ErrorEquals"]):
            return _put(value, catch["ResultPath"], {"Error": error, "Cause": cause}), str(catch["Next"])
    raise AssertionError(error)


def _filled(parameters: Any, value: Any, context: dict[str, Any]) -> Any:
    if not isinstance(parameters, dict):
        return parameters
    return {
        name.removesuffix(".$"): _at(given, value, context) if name.endswith(".$") else _filled(given, value, context)
        for name, given in parameters.items()
    }


def _put(value: Any, path: str | None, result: Any) -> Any:
    """What a state gives, whose ``ResultPath`` says where its result goes: nowhere, in place of its input, into it."""
    if path is None:
        return value
    return result if path == "$" else {**value, path.removeprefix("$."): result}


def _at(path: str, value: Any, context: dict[str, Any]) -> Any:
    if path.startswith("$$."):
        return context[path]
    for name in path.removeprefix("$.").split("."):
        value = value[name]
    return value
