"""Step Functions, as the workflow of a return needs it. No other code of this context talks to it."""

import os
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from commerce.kernel import wire_json
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.observability import logger
from commerce.returns.model import ReturnStatus

_STARTED = frozenset({"ExecutionAlreadyExists"})
_ENDED = frozenset({"ExecutionDoesNotExist", "ValidationException"})
_LATE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


def start(name: str, tenant: Tenant, return_id: str, generation: int) -> None:
    """Start an execution, unless there was one of this name.

    Raises:
        Unavailable: Step Functions is away, or refuses for now.
    """
    given = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "return_id": return_id, "generation": generation}
    machine = os.environ["RETURN_WORKFLOW"]
    _ask("start_execution", _STARTED, stateMachineArn=machine, name=name, input=wire_json.dumps(given))


def stop(name: str) -> None:
    """Stop an execution, unless it has ended.

    Raises:
        Unavailable: as ``start``.
    """
    _ask("stop_execution", _ENDED, executionArn=_execution(name), cause="another execution takes its place")


def is_running(name: str) -> bool:
    """Whether an execution has not ended.

    Raises:
        Unavailable: as ``start``.
    """
    found = _ask("describe_execution", _ENDED, executionArn=_execution(name))
    return found is not None and found["status"] == "RUNNING"


def answer(token: str, status: ReturnStatus) -> bool:
    """Tell a waiting task where its return moves to; False where none waits with this token (any more).

    Raises:
        Unavailable: as ``start``.
    """
    output = wire_json.dumps({"status": str(status)})
    return _ask("send_task_success", _LATE, taskToken=token, output=output) is not None


def _execution(name: str) -> str:
    return f"{os.environ['RETURN_WORKFLOW'].replace(':stateMachine:', ':execution:')}:{name}"


def _ask(call: str, expected: frozenset[str], **arguments: Any) -> dict[str, Any] | None:
    """What Step Functions answers; None where it refuses in one of the ``expected`` words."""
    try:
        answered: dict[str, Any] = getattr(client("stepfunctions"), call)(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in expected:
            return None
        logger.warning("refused by Step Functions", call=call, code=code)
        raise Unavailable from None
    except BotoCoreError as error:
        logger.warning("Step Functions is away", call=call, error=type(error).__name__)
        raise Unavailable from None
    return answered
