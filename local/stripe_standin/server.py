"""The HTTP server around the stand-in: uvicorn on 127.0.0.1, in a thread of its own."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from . import control
from .api import CUT, Api
from .standin import Standin
from .webhooks import Endpoint

HOST = "127.0.0.1"
METHODS = ["GET", "POST", "DELETE"]
START_SECONDS = 10.0
# Close with a reset rather than a farewell: no time to linger over unsent data.
NO_LINGER = struct.pack("ii", 1, 0)


class CuttableProtocol(H11Protocol):
    """uvicorn's protocol, plus a way for the application to cut the connection it is answering on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Put the means to cut into the scope of every request."""
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def cut() -> None:
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                self.transport.abort()
                # uvicorn must have seen the loss before the application returns, or it would answer in its place.
                while (await receive())["type"] != "http.disconnect":
                    pass

            scope.setdefault("extensions", {})[CUT] = cut
            await inner(scope, receive, send)

        self.app = app


@dataclass(frozen=True, slots=True)
class Running:
    """A stand-in that is up."""

    url: str
    standin: Standin


def application(standin: Standin) -> Starlette:
    """Give the ASGI application over one stand-in."""
    api = Api(standin)
    return Starlette(routes=[*control.routes(standin), Route("/{path:path}", api.__call__, methods=METHODS)])


@contextmanager
def serve(
    *,
    port: int = 0,
    state: Path | None = None,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
) -> Iterator[Running]:
    """Run a stand-in in a background thread until the block ends, then save its state.

    Args:
        port: on 127.0.0.1; 0 takes a free one.
        state: the JSON file to load from and save to.
        webhook_url: where to deliver events; ``webhook_secret`` (``whsec_…``) must come with it.
        webhook_secret: what deliveries are signed with.

    Raises:
        OSError: the port is taken.
        TimeoutError: the server did not start.
    """
    endpoint = None
    if webhook_url is not None:
        if webhook_secret is None:
            raise ValueError("a webhook URL needs a secret to sign with")
        endpoint = Endpoint(webhook_url, webhook_secret)
    # The protocol is named because asyncio sends without delay only where it reads TCP here: 40 ms per answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        standin = Standin(state)
        standin.open(endpoint)
        try:
            with _running(standin, listener):
                yield Running(f"http://{HOST}:{listener.getsockname()[1]}", standin)
        finally:
            standin.close()
    finally:
        listener.close()


@contextmanager
def _running(standin: Standin, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        application(standin),
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="stripe-standin", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise TimeoutError("the stand-in did not start")
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join()
