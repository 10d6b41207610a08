"""Death at a chosen call: a BaseException just before a request leaves, or just after its answer came.

Nothing in the code under test may catch it, as nothing catches a killed process. All doors to the outside are watched:
botocore's (DynamoDB, SQS, Secrets Manager), the Stripe SDK's, and urllib3's, through which the user pool is asked.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import botocore.httpsession
import stripe
import urllib3
from botocore.exceptions import ReadTimeoutError


class Killed(BaseException):
    """The process died here."""


class AnswerLost(ReadTimeoutError):  # type: ignore[misc]
    """The request arrived at AWS, the answer did not come back; botocore itself sends it again."""

    def __init__(self, name: str) -> None:
        super().__init__(endpoint_url=name, error=name)


@dataclass
class Door:
    """Counts the calls that go out, and strikes at one of them."""

    strike_at: int | None = None
    after: bool = False
    error: type[BaseException] = Killed
    calls: list[str] = field(default_factory=list)

    def through(self, name: str, send: Callable[[], Any]) -> Any:
        number = len(self.calls)
        self.calls.append(name)
        struck = number == self.strike_at
        if struck and not self.after:
            raise self.error(name)
        answer = send()
        if struck and self.error is AnswerLost and name.startswith("POST /oauth2/"):
            raise urllib3.exceptions.ProtocolError(name)
        if struck and self.error is AnswerLost and name.startswith(("GET ", "POST ")):
            raise stripe.APIConnectionError(name, should_retry=True)  # type: ignore[no-untyped-call]
        if struck:
            raise self.error(name)
        return answer


def kind_of(call: str) -> str:
    """``TransactWriteItems``, or the route of Stripe's without its ids."""
    plain = call.rpartition(".")[2]
    return "/".join(part for part in plain.split("/") if not part.startswith(("pi_", "re_")))


def _only_reads(call: str) -> bool:
    reads = ("GetItem", "BatchGetItem", "Query", "GetSecretValue", "DescribeExecution")
    return call.startswith("GET ") or kind_of(call) in reads


def strikes(calls: list[str]) -> list[Door]:
    """Doors that strike before each of the calls; after each that writes, too, and at its answer.

    Whoever dies after a read dies before the next call; and botocore asks for what was read once more. Of several reads
    in a row it is the first: reads leave nothing behind, so that each death among them is the same.
    """
    reads = [_only_reads(call) for call in calls]
    first = [number for number, read in enumerate(reads) if not (read and number and reads[number - 1])]
    doors = [Door(strike_at=number) for number in first]
    for number in (number for number, read in enumerate(reads) if not read):
        doors += [Door(strike_at=number, after=True), Door(strike_at=number, after=True, error=AnswerLost)]
    return doors


def survived(note: Callable[[str, Any], None], doors: list[Door], calls: list[str]) -> None:
    """Note how many of these strikes there were at which kinds of calls."""
    for title, error in (("deaths survived", Killed), ("lost answers survived", AnswerLost)):
        struck = [calls[door.strike_at or 0] for door in doors if door.error is error]
        note(title, dict(Counter(map(kind_of, struck))))


@contextmanager
def watching(door: Door) -> Iterator[Door]:
    """Send every call through ``door`` inside the block."""
    aws_send = botocore.httpsession.URLLib3Session.send
    stripe_request = stripe.RequestsClient.request
    pool_request = urllib3.PoolManager.request

    def send(session: Any, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target", b"")
        name = target.decode() if isinstance(target, bytes) else str(target)
        return door.through(name or request.url, lambda: aws_send(session, request))

    def request(client: Any, method: str, url: str, *rest: Any, **named: Any) -> Any:
        path = "/v1/" + url.split("/v1/")[1].split("?")[0]
        return door.through(f"{method.upper()} {path}", lambda: stripe_request(client, method, url, *rest, **named))

    def ask_pool(manager: Any, method: str, url: str, *rest: Any, **named: Any) -> Any:
        path = "/" + url.split("/", 3)[3]
        return door.through(f"{method} {path}", lambda: pool_request(manager, method, url, *rest, **named))

    with (
        mock.patch.object(urllib3.PoolManager, "request", ask_pool),
        mock.patch.object(botocore.httpsession.URLLib3Session, "send", send),
        mock.patch.object(stripe.RequestsClient, "request", request),
    ):
        yield door
