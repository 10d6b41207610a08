"""Sixteen processes that send one request at the same instant, as sixteen instances of a function would.

Processes, because a Lambda function handles one request at a time: Powertools keeps the current one in its class.
"""

import multiprocessing
import os
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from typing import Any
from unittest import mock

from commerce.kernel import clock, ids
from tests.contract.endpoints import endpoints
from tests.matrix.good_requests import GOOD, Sent
from tests.matrix.world import AT, World
from tests.shop import Answered, Call, Credential

RACERS = 16

endpoints()  # imported once, in the server that the processes are forked from

_barrier: list[threading.Barrier] = []


@contextmanager
def forking() -> Iterator[ForkServerContext]:
    """Where processes start within the block: from one server, which imports everything once and finds it as we do."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.faults.workers"])
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        yield context


class Racers:
    """They wait between races. Make them when the environment names table and Stripe."""

    def __init__(self) -> None:
        with forking() as context:
            self._pool = context.Pool(RACERS, _wait, (context.Barrier(RACERS), dict(os.environ)))

    def race(self, name: str, world: World, sent: Sent, **headers: str) -> list[Answered]:
        """All of them send ``sent`` to the route."""
        given = sent | {"headers": sent.get("headers", {}) | headers}
        jobs = [(name, GOOD[name].by(world), given)] * RACERS
        return self._pool.map(_send, jobs, chunksize=1)

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()


def _wait(barrier: Any, environment: dict[str, str]) -> None:
    _barrier.append(barrier)
    os.environ.update(environment)


def _send(job: tuple[str, Credential, Sent]) -> Answered:
    name, credential, sent = job
    with clock.use(lambda: AT), ids.use(lambda: f"f{uuid.uuid4().hex[1:]}"):
        _barrier[0].wait(timeout=30)
        answered: Answered = endpoints()[name].ask(Call(), credential=credential, **sent)
    return answered
