"""Processes that serve one invocation after another, as instances of functions do, and that die by SIGKILL.

Whoever started them stays alive, as AWS does: Step Functions and the mail service are asked through the pipe.
"""

import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from botocore.exceptions import ClientError

from commerce.mails import ses
from commerce.returns import label_documents, workflow_client
from tests.faults.racing import forking
from tests.shop import Call, handler

__all__ = ["label_documents"]  # a function imports it when it prints its first label, which takes it a second

LEASE_SECONDS = 0.2
PATIENCE = 60.0

for _path in (
    *("queues/drive_return", "queues/execute_refund", "queues/apply_stripe_event"),
    *("workflows/return_lifecycle/wait_for_return", "workflows/return_lifecycle/mail_return_label"),
    *("workflows/return_lifecycle/refund_received_return", "workflows/return_lifecycle/close_return"),
):
    handler(_path)  # imported once, in the server that the processes are forked from, as all endpoints are

type Asked = Callable[[str, Mapping[str, Any]], Any]


class Died(Exception):
    """The process was killed at its work, as a function's is that runs out of its time or memory."""


class Failed(Exception):
    """What was invoked raised; says what."""


@dataclass(frozen=True)
class Invocation:
    """A handler with its event; with ``request``, an endpoint's, with what ``Call`` needs to make its event."""

    path: str
    event: Any = None
    request: Mapping[str, Any] | None = None


class _ShortLived:
    """A Lambda context with little time left, so that a dead attempt's lease runs out soon."""

    def get_remaining_time_in_millis(self) -> int:
        return int(LEASE_SECONDS * 1000)


class Worker:
    """One process. Make it when the environment names table and Stripe."""

    def __init__(self) -> None:
        with forking() as context:
            self._pipe, other = context.Pipe()
            self._process = context.Process(target=_serve, args=(other, dict(os.environ)), daemon=True)
            self._process.start()
        other.close()
        self._pipe.recv()  # it is there

    def invoke(self, invocation: Invocation, asked: Asked, *, killed_after: float | None = None) -> Any:
        """What the handler gives; ``asked`` answers what it asks of AWS by the pipe.

        Raises:
            Died: it was not done in ``killed_after`` seconds.
            Failed: the handler raised.
        """
        end = time.monotonic() + (PATIENCE if killed_after is None else killed_after)
        self._pipe.send(invocation)
        while self._pipe.poll(max(0.0, end - time.monotonic())):
            what, value = self._pipe.recv()
            if what == "done":
                return value
            if what == "failed":
                raise Failed(value)
            self._pipe.send(_answer(asked, *value))
        self.kill()
        raise Died(invocation.path)

    def kill(self) -> None:
        """SIGKILL: nothing that it does at its end is done."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _answer(asked: Asked, name: str, arguments: Mapping[str, Any]) -> tuple[str, Any]:
    try:
        return "given", asked(name, arguments)
    except ClientError as refusal:
        return "refused", refusal.response["Error"]["Code"]


def _serve(pipe: Connection, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    vars(workflow_client)["client"] = lambda service: _Remote(pipe)
    vars(ses)["send"] = lambda mail: _ask(pipe, "send_mail", {"to": mail.to, "subject": mail.subject})
    pipe.send("ready")
    while True:
        invocation: Invocation = pipe.recv()
        try:
            pipe.send(("done", _invoke(invocation)))
        except Exception:  # noqa: BLE001
            pipe.send(("failed", traceback.format_exc()))


def _invoke(invocation: Invocation) -> Any:
    if invocation.request is not None:
        return Call()(invocation.path, context=_ShortLived(), **invocation.request)
    return handler(invocation.path).handler(invocation.event, None)


class _Remote:
    """A client whose calls are answered at the other end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda **arguments: _ask(self._pipe, name, arguments)


def _ask(pipe: Connection, name: str, arguments: Mapping[str, Any]) -> Any:
    pipe.send(("asked", (name, arguments)))
    what, value = pipe.recv()
    if what == "refused":
        raise ClientError({"Error": {"Code": value, "Message": value}}, name)
    return value
