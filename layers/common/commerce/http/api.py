"""How an endpoint becomes a Lambda handler: one factory for all of them.

A handler is a plain function. What it names in its signature is what it is given: ``caller`` (who), ``tx`` (its unit of
work), ``body`` and ``query`` (validated contracts), and its path parameters. Around it stand, once for all endpoints:
authentication and scope, validation, Idempotency-Key, the transaction, envelope, error table, headers, log and metrics.
"""

import hashlib
import inspect
import re
import time
import uuid
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Query as QueryParameters

from commerce.http import authentication
from commerce.http.documents import Document
from commerce.http.envelopes import ADMIN, PORTAL, PUBLIC, V2, V2_PUBLIC, Surface
from commerce.http.errors import from_validation, status_of
from commerce.kernel import ids, wire_json
from commerce.kernel.caller import Caller
from commerce.kernel.card_numbers import refuse_card_numbers
from commerce.kernel.errors import CommerceError, Malformed, NotFound, TooLarge
from commerce.kernel.paging import Page
from commerce.observability import count_request, logger
from commerce.operations.model import Answer, Operation
from commerce.operations.use_cases import Transaction, perform

MAX_BODY_BYTES = 1_000_000
PUBLIC_SCOPE = "public"  # the one scope that no credential needs to carry
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}\Z")
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_JSON = "application/json"

type Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """A request as it came: the body's own bytes, and headers with names in lower case. For signatures."""

    body: bytes
    headers: dict[str, str]


class Api:
    """The endpoints of one function, on one surface."""

    surface: Surface

    def __init__(self) -> None:
        self._called_by: Caller
        self._deadline = 0.0  # Unix seconds
        self.resolver = APIGatewayRestResolver(enable_validation=True, json_body_deserializer=_read_json)
        self.resolver.exception_handler([CommerceError, RequestValidationError, NotFoundError, Exception])(self._fail)
        self.routes: list[Route] = []
        self._request_id = ""

    def get(self, path: str, *, scope: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.route("GET", path, scope=scope, **options)

    def post(self, path: str, *, scope: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.route("POST", path, scope=scope, **options)

    def put(self, path: str, *, scope: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.route("PUT", path, scope=scope, **options)

    def patch(self, path: str, *, scope: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.route("PATCH", path, scope=scope, **options)

    def delete(self, path: str, *, scope: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.route("DELETE", path, scope=scope, **options)

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """The Lambda handler: answer one API Gateway proxy event."""
        began = time.perf_counter()
        self._request_id = _request_id(event)
        self._deadline = time.time() + _remaining_seconds(context)
        logger.append_keys(request_id=self._request_id)
        try:
            # Who may call is settled before anything that was sent is looked at.
            self._called_by = self._caller(event)
            _refuse_large(event)
            _refuse_other_types(event)
            answer = self.resolver.resolve(event, context)
        except CommerceError as error:
            refusal = self._fail(error)
            answer = {
                "statusCode": refusal.status_code,
                "body": refusal.body,
                "isBase64Encoded": False,
                "multiValueHeaders": {name: [value] for name, value in refusal.headers.items()},
            }
        answer["multiValueHeaders"]["X-Request-Id"] = [self._request_id]
        milliseconds = (time.perf_counter() - began) * 1000
        route = f"{event.get('httpMethod')} {event.get('resource')}"
        logger.info("answered", route=route, status=answer["statusCode"], milliseconds=round(milliseconds, 1))
        count_request(route, answer["statusCode"], milliseconds)
        return answer

    def route(
        self,
        method: str,
        path: str,
        *,
        scope: str,
        status: int = 200,
        name: str | None = None,
        tenant_header: bool = True,
        hidden: bool = False,
        secret: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register a function as an endpoint.

        Args:
            scope: what the credential must carry; ``PUBLIC_SCOPE`` where none is asked for.
            status: of the successful answer.
            name: where one function serves several routes.
            tenant_header: whether a public route needs the header that names its tenant.
            hidden: left out of the API reference.
            secret: the answer holds a secret; it is kept for replays sealed, and for 15 minutes only.
        """

        def register(function: Handler) -> Handler:
            route = Route(
                method=method,
                path=path,
                scope=scope,
                status=status,
                function=function,
                name=name,
                tenant_header=tenant_header,
                hidden=hidden,
                secret=secret,
            )
            self.routes.append(route)
            rule = re.sub(r"\{(\w+)\}", r"<\1>", path)
            self.resolver.route(rule, method, status_code=status)(self._endpoint(route))
            return function

        return register

    def _endpoint(self, route: "Route") -> Callable[..., Response[str]]:
        """Wrap the handler function so that the resolver sees only what comes over the wire."""

        def endpoint(**wire: Any) -> Response[str]:
            event: Mapping[str, Any] = self.resolver.current_event.raw_event
            caller = self._called_by
            _refuse_unknown(event, route.query)
            given = {**wire, **route.path_arguments(wire), "caller": caller, "raw": _raw(event)}
            arguments = {name: given[name] for name in route.wants if name in given}
            if route.mutates:
                answer = perform(
                    lambda tx: self._render(route, route.function(**arguments, tx=tx)),
                    self._operation(event, caller, route),
                )
            else:
                result = route.function(**arguments)
                if isinstance(result, Document):
                    return result.answer(_headers(event).get("if-none-match", ""))
                answer = self._render(route, result)
            headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
            if answer.replayed:
                headers["Idempotent-Replayed"] = "true"
            return Response(answer.status, content_type=_JSON, body=answer.body, headers=headers)

        endpoint.__name__ = route.name
        endpoint.__doc__ = route.function.__doc__
        endpoint.__signature__ = route.wire_signature()  # type: ignore[attr-defined]
        endpoint.__annotations__ = {}
        return endpoint

    def _caller(self, event: Mapping[str, Any]) -> Caller:
        asked = (event.get("httpMethod"), event.get("resource"))
        route = next((route for route in self.routes if (route.method, route.path) == asked), None)
        if route is None:
            raise NotFound("route")
        headers = _headers(event)
        if route.scope == PUBLIC_SCOPE:
            return authentication.public(headers, tenant_required=route.tenant_header)
        context = (event.get("requestContext") or {}).get("authorizer") or {}
        return authentication.authenticated(context, headers, self.surface, route.scope)

    def _render(self, route: "Route", result: Any) -> Answer:
        if result is None:
            return Answer(route.status, "")
        if isinstance(result, Page):
            rows = [row.model_dump(by_alias=True) for row in result.items]
            return Answer(route.status, wire_json.dumps(self.surface.many(rows, result)))
        if isinstance(result, list):
            return Answer(
                route.status, wire_json.dumps(self.surface.one([r.model_dump(by_alias=True) for r in result]))
            )
        return Answer(route.status, wire_json.dumps(self.surface.one(result.model_dump(by_alias=True))))

    def _operation(self, event: Mapping[str, Any], caller: Caller, route: "Route") -> Operation | None:
        key = _headers(event).get("idempotency-key")
        if key is None:
            return None
        if not _IDEMPOTENCY_KEY.match(key):
            raise Malformed(
                "An Idempotency-Key has 1 to 255 visible ASCII characters",
                field="Idempotency-Key",
                reason="bad_idempotency_key",
            )
        body = self.resolver.current_event.json_body if event.get("body") else None
        request = [route.method, event["path"], event.get("multiValueQueryStringParameters"), body]
        return Operation(
            tenant=caller.tenant,
            principal_id=caller.principal_id,
            key=key,
            fingerprint=hashlib.sha256(wire_json.canonical(request).encode()).hexdigest(),
            lease=uuid.uuid4().hex,
            lease_until=self._deadline,
            secret=route.secret,
        )

    def _fail(self, error: Exception) -> Response[str]:
        """Any exception as the surface's error answer."""
        if isinstance(error, RequestUnsupportedContentType):
            error = Malformed("Send application/json", field="Content-Type", reason="unsupported_content_type")
        elif isinstance(error, RequestValidationError):
            error = from_validation(list(error.errors()))
        elif isinstance(error, NotFoundError):
            error = NotFound("route")
        headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
        if isinstance(error, CommerceError):
            status, body = status_of(error), self.surface.failure(error, self._request_id)
            logger.info("refused", code=error.code, reason=error.reason)
            if error.retry_after:
                headers["Retry-After"] = str(error.retry_after)
        else:
            status, body = 500, self.surface.server_error(self._request_id)
            logger.exception("failed")
        return Response(status, content_type=_JSON, body=wire_json.dumps(body), headers=headers)


class Route:
    """One registered endpoint, as its signature describes it."""

    def __init__(
        self,
        *,
        method: str,
        path: str,
        scope: str,
        status: int,
        function: Handler,
        name: str | None = None,
        tenant_header: bool = True,
        hidden: bool = False,
        secret: bool = False,
    ) -> None:
        self.method, self.path, self.scope, self.status, self.function = method, path, scope, status, function
        self.name = name or function.__name__
        self.tenant_header = tenant_header
        self.hidden = hidden
        self.secret = secret
        signature = inspect.signature(function)
        self.wants = signature.parameters
        self.query: type[Any] | None = self._annotation("query")
        self.body: Any = self._annotation("body")
        self.mutates = "tx" in self.wants
        self._answers = signature.return_annotation

    def _annotation(self, name: str) -> Any:
        parameter = self.wants.get(name)
        return None if parameter is None else parameter.annotation

    # What the API description says of it

    @property
    def _docstring(self) -> list[str]:
        return inspect.cleandoc(getattr(inspect.getmodule(self.function), "__doc__", None) or "").splitlines()

    @property
    def summary(self) -> str:
        """The business sentence: the first line after the route line."""
        return next((line for line in self._docstring[1:] if line.strip()), "").rstrip(".")

    @property
    def description(self) -> str:
        """What the docstring says beyond that."""
        return "\n".join(self._docstring[3:]).strip()

    @property
    def body_model(self) -> Any:
        """The body's contract, out of ``Contract | None`` too."""
        return next((kind for kind in get_args(self.body) if kind is not type(None)), self.body)

    @property
    def body_required(self) -> bool:
        return self.wants["body"].default is inspect.Parameter.empty

    @property
    def answers_page(self) -> bool:
        return get_origin(self._answers) is Page

    @property
    def answers_list(self) -> bool:
        return get_origin(self._answers) in (Page, list)

    @property
    def answer_model(self) -> Any:
        """The contract of the answer, or of one row of it; None for an answer without a body."""
        if self.answers_list:
            return get_args(self._answers)[0]
        return None if self._answers in (None, inspect.Signature.empty) else self._answers

    def wire_signature(self) -> inspect.Signature:
        """Path parameters, query model and body, without what is injected here."""
        parameters = []
        for name, parameter in self.wants.items():
            if name in ("caller", "tx", "raw"):
                continue
            kind = Annotated[self.query, QueryParameters()] if name == "query" else parameter.annotation
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kind))
        return inspect.Signature(parameters)

    def path_arguments(self, wire: Mapping[str, Any]) -> dict[str, str]:
        """The path's ids in canonical form; what cannot be an id names nothing that exists."""
        arguments = {}
        for name in re.findall(r"\{(\w+)\}", self.path):
            text = str(wire[name])
            if not ids.is_well_formed(text):
                raise NotFound("resource")
            arguments[name] = ids.canonical_order_id(text)
        return arguments


class AdminApi(Api):
    """``/admin``: the merchant's staff and keys; ``{success, data}``."""

    surface = ADMIN


class PortalApi(Api):
    """The storefront's signed-in customer; ``{success, data}``."""

    surface = PORTAL


class PublicApi(Api):
    """Routes without a credential; ``{success, data}``."""

    surface = PUBLIC


class V2Api(Api):
    """``/v2``, the platform API: bare objects, lists with ``pagination``."""

    surface = V2


class V2PublicApi(Api):
    """``/v2`` without a credential."""

    surface = V2_PUBLIC


def _read_json(text: str) -> Any:
    try:
        value = wire_json.loads(text)
        if "\\u" in text:
            wire_json.dumps(value).encode()  # half of a surrogate pair is no character (RFC 7493)
    except (ValueError, ArithmeticError, RecursionError):
        raise Malformed("The body is not valid JSON", field="body", reason="malformed_json") from None
    refuse_card_numbers(value)
    return value


def _refuse_large(event: Mapping[str, Any]) -> None:
    body = event.get("body") or ""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"A body has at most {MAX_BODY_BYTES} bytes", field="body", reason="body_too_large")


def _refuse_other_types(event: Mapping[str, Any]) -> None:
    """Bodies are JSON. The resolver would read forms too, past all that is checked when JSON is read."""
    given = _headers(event).get("content-type") or _JSON
    if event.get("body") and given.partition(";")[0].strip().lower() != _JSON:
        raise Malformed("Send application/json", field="Content-Type", reason="unsupported_content_type")


def _refuse_unknown(event: Mapping[str, Any], query: type[Any] | None) -> None:
    known = {field.alias or name for name, field in query.model_fields.items()} if query is not None else set()
    given = set(event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {})
    for name in sorted(given - known):
        raise Malformed(f"Unknown query parameter {name[:40]!r}", field=name[:40], reason="unknown_parameter")


def _raw(event: Mapping[str, Any]) -> Raw:
    body = event.get("body") or ""
    return Raw(b64decode(body) if event.get("isBase64Encoded") else body.encode(), _headers(event))


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Headers with names in lower case (RFC 9110: names are case-insensitive)."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _request_id(event: Mapping[str, Any]) -> str:
    """The caller's ``X-Request-Id`` when it is a plain id, else one made from the gateway's."""
    given = _headers(event).get("x-request-id", "")
    if _REQUEST_ID.match(given):
        return given
    made = str((event.get("requestContext") or {}).get("requestId") or uuid.uuid4().hex)
    return "req_" + made.replace("-", "")


def _remaining_seconds(context: Any) -> float:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return remaining() / 1000 if callable(remaining) else 30.0


__all__ = ["AdminApi", "Api", "Caller", "Page", "PortalApi", "PublicApi", "Raw", "Transaction", "V2Api", "V2PublicApi"]
