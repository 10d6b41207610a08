"""The API's plain address: forwards to the API on the emulator, and answers as API Gateway would where that does not.

The emulator neither limits bodies nor uses the gateway responses of an API's description. Both are done here; the texts
come from the description.
"""

import argparse
import json
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from local.stack.settings import HOST, ROOT

MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's limit
# A function may take 29 s before API Gateway gives up, and its first call here also starts its process.
TIMEOUT = httpx.Timeout(60, connect=5)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
# Gateway errors of the emulator, by its header x-amzn-ErrorType.
_ERROR_TYPES = {
    "UnauthorizedException": "UNAUTHORIZED",
    "AccessDeniedException": "ACCESS_DENIED",
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
    "AuthorizerConfigurationException": "AUTHORIZER_CONFIGURATION_ERROR",
    "LimitExceededException": "QUOTA_EXCEEDED",
    "TooManyRequestsException": "THROTTLED",
    "UnsupportedMediaTypeException": "UNSUPPORTED_MEDIA_TYPE",
}
_STATUSES = {401: "UNAUTHORIZED", 413: "REQUEST_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE", 429: "THROTTLED"}


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """What API Gateway itself answers in one situation."""

    body: str
    status: int | None = None  # None: the status it had anyway
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, status: int, request_id: str) -> Response:
        """The answer with its variables filled in."""
        values = {"context.requestId": request_id}
        headers = {name: values.get(text, text.strip("'")) for name, text in self.headers.items()}
        text = re.sub(r"\$(context\.\w+)", lambda found: values.get(found[1], ""), self.body)
        return Response(text, self.status or status, {**headers, "Content-Type": "application/json"})


type GatewayAnswers = Mapping[str, GatewayAnswer]


def read_gateway_answers(root: Path = ROOT) -> GatewayAnswers:
    """What the API's description makes API Gateway answer, by response type."""
    description = yaml.safe_load((root / "openapi.yaml").read_text())
    return {
        kind: _answer(each.get("responseTemplates"), each.get("responseParameters"), each.get("statusCode"))
        for kind, each in description["x-amazon-apigateway-gateway-responses"].items()
    }


def _answer(templates: Any, parameters: Any, status: Any) -> GatewayAnswer:
    return GatewayAnswer(
        body=(templates or {}).get("application/json", '{"message":"$context.error.message"}'),
        status=int(status) if status else None,
        headers={
            name.removeprefix("gatewayresponse.header."): str(text)
            for name, text in (parameters or {}).items()
            if name.startswith("gatewayresponse.header.")
        },
    )


class FrontDoor:
    """Forwards every request to the API at ``api``, a base address with a path."""

    def __init__(self, api: str, answers: GatewayAnswers) -> None:
        self._api = httpx.URL(api)
        self._answers = answers
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT, trust_env=False, limits=httpx.Limits(max_connections=200, max_keepalive_connections=40)
        )

    async def forward(self, request: Request) -> Response:
        """Answer one request as API Gateway would."""
        body = await _body(request)
        if body is None:
            return self._gateway_answer("REQUEST_TOO_LARGE", 413, str(uuid.uuid4()))
        try:
            answer = await self._client.send(self._outgoing(request, body), stream=True)
        except httpx.TimeoutException:
            return self._gateway_answer("INTEGRATION_TIMEOUT", 504, str(uuid.uuid4()))
        except httpx.TransportError:
            return self._gateway_answer("INTEGRATION_FAILURE", 504, str(uuid.uuid4()))
        if answer.status_code >= 400:
            return await self._refusal(answer)
        return _incoming(answer)

    def application(self) -> ASGIApp:
        """The proxy as an ASGI application."""

        @asynccontextmanager
        async def life(_: Starlette) -> AsyncIterator[None]:
            yield
            await self._client.aclose()

        return Starlette(
            routes=[Route("/{path:path}", self.forward, methods=METHODS)],
            exception_handlers={404: self._refuse, 405: self._refuse},
            lifespan=life,
        )

    async def _refuse(self, _: Request, error: Exception) -> Response:
        """A path with a line break in it, or a method that the gateway does not know."""
        assert isinstance(error, HTTPException)
        kind = "MISSING_AUTHENTICATION_TOKEN" if error.status_code == 404 else "DEFAULT_4XX"
        answer = self._gateway_answer(kind, error.status_code, str(uuid.uuid4()))
        answer.headers.update(error.headers or {})
        return answer

    def _outgoing(self, request: Request, body: bytes) -> httpx.Request:
        query = request.scope["query_string"]
        target = self._api.raw_path + request.scope["raw_path"] + (b"?" + query if query else b"")
        headers = [(name, value) for name, value in request.headers.raw if name not in _HOP_BY_HOP and name != b"host"]
        # The target goes out byte for byte as it came in; a parsed and rebuilt address would be quoted anew.
        return self._client.build_request(
            request.method, self._api, headers=headers, content=body, extensions={"target": target}
        )

    async def _refusal(self, answer: httpx.Response) -> Response:
        """A function's error goes through; the gateway's own gets the template's words."""
        body = await answer.aread()
        if not _is_gateways_own(body):
            return Response(body, answer.status_code, _end_to_end(answer, decoded=True))
        kind = _ERROR_TYPES.get(answer.headers.get("x-amzn-errortype", "")) or _STATUSES.get(answer.status_code, "")
        request_id = answer.headers.get("x-amzn-requestid") or str(uuid.uuid4())
        return self._gateway_answer(kind, answer.status_code, request_id)

    def _gateway_answer(self, kind: str, status: int, request_id: str) -> Response:
        fallback = "DEFAULT_4XX" if status < 500 else "DEFAULT_5XX"
        answer = self._answers.get(kind) or self._answers.get(fallback) or GatewayAnswer('{"message":null}')
        return answer.response(status, request_id)


async def _body(request: Request) -> bytes | None:
    """The body; None when it is larger than API Gateway takes."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        # What is too large is read to its end all the same: a client that is still sending hears no answer.
        if size <= MAX_BODY_BYTES:
            parts.append(part)
    return b"".join(parts) if size <= MAX_BODY_BYTES else None


def _is_gateways_own(body: bytes) -> bool:
    """Functions answer in an envelope; the emulator's gateway with a bare message."""
    try:
        value = json.loads(body)
    except ValueError:
        return False
    return isinstance(value, dict) and bool(value) and value.keys() <= {"message", "Message"}


def _incoming(answer: httpx.Response) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        try:
            async for part in answer.aiter_raw():
                yield part
        finally:
            await answer.aclose()

    response = StreamingResponse(parts(), answer.status_code)
    response.raw_headers = [
        (name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _HOP_BY_HOP
    ]
    return response


def _end_to_end(answer: httpx.Response, *, decoded: bool) -> dict[str, str]:
    gone = {name.decode() for name in _HOP_BY_HOP} | {"content-length"} | ({"content-encoding"} if decoded else set())
    return {name: value for name, value in answer.headers.items() if name.lower() not in gone}


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.front_door", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api", required=True, help="base address of the deployed API on the emulator")
    options = parser.parse_args()
    door = FrontDoor(options.api, read_gateway_answers())
    uvicorn.run(
        door.application(),
        host=HOST,
        port=options.port,
        log_level="warning",
        timeout_graceful_shutdown=2,
        date_header=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
