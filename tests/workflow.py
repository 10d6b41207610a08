"""Step Functions in the test's own thread: runs a definition of the template, task by task, as far as ours need it."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.shop import ROOT, handler
from tests.template import template

ATTEMPTS = 5  # of a task: one, and four retries


@dataclass(frozen=True)
class Execution:
    """How it ended: SUCCEEDED or FAILED, in which state, with which output or cause."""

    status: str
    state: str
    output: Any
    waits: int


class Machine:
    """A state machine of the template, with the names of its executions, of which none starts twice."""

    def __init__(self, name: str) -> None:
        properties = template()["Resources"][name]["Properties"]
        self._definition = json.loads((ROOT / properties["DefinitionUri"]).read_text())
        self._functions = {
            "${" + token + "}": arn["Fn::GetAtt"][0] for token, arn in properties["DefinitionSubstitutions"].items()
        }
        self.executions: dict[str, Execution] = {}

    def start(self, name: str, given: Mapping[str, Any]) -> bool:
        """Run an execution to its end; False when there was one of this name."""
        if name in self.executions:
            return False
        self.executions[name] = self._run(self._definition, json.loads(json.dumps(given)), {"$$.Execution.Name": name})
        return True

    def _run(self, definition: Any, value: Any, context: dict[str, Any]) -> Execution:
        name, waits = definition["StartAt"], 0
        while True:
            state = definition["States"][name]
            if state["Type"] == "Fail":
                return Execution("FAILED", name, _at(state["CausePath"], value, context), waits)
            if state["Type"] == "Wait":
                waits += 1
            elif state["Type"] != "Succeed":
                value = self._result(state, value, context)
            if state["Type"] == "Succeed" or state.get("End"):
                return Execution("SUCCEEDED", name, value, waits)
            name = _next(state, value)

    def _result(self, state: Any, value: Any, context: dict[str, Any]) -> Any:
        if state["Type"] == "Choice":
            return value
        if state["Type"] == "Pass":
            return _filled(state["Parameters"], value, context)
        if state["Type"] == "Task":
            return self._call(self._functions[state["Resource"]], value)
        assert state["Type"] == "Map"
        results = []
        for item in _at(state["ItemsPath"], value, context):
            own = _filled(state["ItemSelector"], value, context | {"$$.Map.Item.Value": item})
            results.append(self._run(state["ItemProcessor"], own, context).output)
        return {**value, state["ResultPath"].removeprefix("$."): results}

    def _call(self, function: str, value: Any) -> Any:
        properties = template()["Resources"][function]["Properties"]
        file = properties["CodeUri"].removeprefix("functions/") + properties["Handler"].removesuffix(".handler")
        for attempt in range(ATTEMPTS):
            try:
                return json.loads(json.dumps(handler(file).handler(copy.deepcopy(value), None)))
            except Exception:
                if attempt + 1 == ATTEMPTS:
                    raise
        raise AssertionError


def _next(state: Any, value: Any) -> str:
    if state["Type"] != "Choice":
        return str(state["Next"])
    for choice in state["Choices"]:
        if _at(choice["Variable"], value, {}) == choice["StringEquals"]:
            return str(choice["Next"])
    return str(state["Default"])


def _filled(parameters: Any, value: Any, context: dict[str, Any]) -> Any:
    return {
        name.removesuffix(".$"): _at(given, value, context) if name.endswith(".$") else given
        for name, given in parameters.items()
    }


def _at(path: str, value: Any, context: dict[str, Any]) -> Any:
    return context[path] if path.startswith("$$.") else value[path.removeprefix("$.")]
