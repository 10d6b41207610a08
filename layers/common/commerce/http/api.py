"""How an endpoint becomes a Lambda handler: one factory for all of them.

A handler is a plain function. What it names in its signature is what it is given: ``caller`` (who), ``tx`` (its unit of
work), ``body``, ``query`` and ``form`` (validated contracts), ``criteria`` (filters and order of a list), ``if_match``
(the version that a change expects), ``upload`` (the bytes of a file that came with the body), ``base_url`` (where the
API is), and its path parameters. Around it stand, once for all endpoints: authentication,
scope and limits, validation, Idempotency-Key, dry runs, the transaction, envelope, ETag, error table, headers, log and
metrics.
"""

import hashlib
import hmac
import inspect
import os
import re
import time
import uuid
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Query as QueryParameters

from commerce.http import authentication, caching, cors, forms, localisation, rate_limits
from commerce.http.documents import Document, Redirect
from commerce.http.envelopes import (
    ADMIN,
    CHECKOUTS,
    GIFT_CARDS,
    GIFT_CARDS_PUBLIC,
    OAUTH,
    PORTAL,
    PORTAL_SHARED,
    PUBLIC,
    V2,
    V2_PUBLIC,
    Surface,
)
from commerce.http.errors import from_validation, status_of
from commerce.kernel import criteria, ids, wire_json
from commerce.kernel.caller import MERCHANT_ROLES, Caller
from commerce.kernel.card_numbers import refuse_card_numbers
from commerce.kernel.errors import CommerceError, Malformed, NotFound, TooLarge
from commerce.kernel.paging import Page
from commerce.limits.model import Standing
from commerce.limits.use_cases import require_admitted
from commerce.observability import count_request, logger
from commerce.operations.model import Answer, Operation
from commerce.operations.use_cases import Transaction, perform, rehearse

if TYPE_CHECKING:
    from commerce.limits.budgets import Budgets

MAX_BODY_BYTES = 1_000_000
PUBLIC_SCOPE = "public"  # the one scope that no credential needs to carry
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}\Z")
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_JSON = "application/json"
_INJECTED = frozenset(  # what no resolver reads from the wire
    {"caller", "tx", "raw", "form", "criteria", "if_match", "upload", "base_url"}
)
_MAX_AGENT = 256
_WITHOUT_CONTRACT = (None, inspect.Signature.empty, Document, Redirect)  # of answers that have no model

type Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """A request as it came: the body's own bytes, and headers with names in lower case. For signatures."""

    body: bytes
    headers: dict[str, str]


class Api:
    """The endpoints of one function, on one surface."""

    surface: Surface
    accepts = _JSON  # the type of bodies

    def __init__(self) -> None:
        self._called_by: Caller
        self._standing: Standing | None = None  # towards the caller's limit, where there is one
        self._deadline = 0.0  # Unix seconds
        self._upload: bytes | None = None
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
        self._standing = None
        logger.append_keys(request_id=self._request_id)
        try:
            # Who may call is settled before anything that was sent is looked at.
            self._called_by = self._caller(event)
            event, self._upload = self._unpacked(event)
            _refuse_large(event)
            _refuse_other_types(event, self.accepts)
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
        _add_headers(answer["multiValueHeaders"], {**cors.headers(_headers(event)), **self.surface.headers})
        answer["multiValueHeaders"].update(rate_limits.headers(self._standing))
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
        tenant_in: str = "",
        merchants_scope: str = "",
        may_conflict: bool = False,
        hidden: bool = False,
        secret: bool = False,
        cache: str = caching.NEVER,
        budgets: "Budgets | None" = None,
    ) -> Callable[[Handler], Handler]:
        """Register a function as an endpoint.

        Args:
            scope: what the credential must carry; ``PUBLIC_SCOPE`` where none is asked for.
            status: of the successful answer.
            name: where one function serves several routes.
            tenant_header: whether a public route needs the header that names its tenant, and a credential of several
                tenants must choose one.
            tenant_in: the query parameter of a public route that names its tenant by itself: a signed link.
            merchants_scope: what a merchant's credential must carry instead, on a customers' route that is theirs, too.
            may_conflict: what is only read may not be there to be read in the state that things are in (409).
            hidden: left out of the API reference.
            secret: the answer holds a secret; it is kept for replays sealed, and for 15 minutes only.
            cache: the Cache-Control of what is read (``caching``).
            budgets: how often strangers may call a public route, and guess with it.
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
                tenant_in=tenant_in,
                merchants_scope=merchants_scope,
                may_conflict=may_conflict,
                hidden=hidden,
                secret=secret,
                cache=cache,
                budgets=budgets,
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
            headers = _headers(event)
            _refuse_unknown(event, route)
            given = {
                **wire,
                **route.path_arguments(wire),
                "caller": self._called_by,
                "raw": _raw(event),
                "form": _form(event, route),
                "criteria": criteria.read(_parameters(event)) if "criteria" in route.wants else None,
                "if_match": _if_match(headers, route),
                "upload": self._upload,
                "base_url": _base_url(event),
            }
            arguments = {name: given[name] for name in route.wants if name in given}
            with route.guess(self._called_by, arguments):
                return self._answer(route, headers, arguments)

        endpoint.__name__ = route.name
        endpoint.__doc__ = route.function.__doc__
        endpoint.__signature__ = route.wire_signature()  # type: ignore[attr-defined]
        endpoint.__annotations__ = {}
        return endpoint

    def _answer(self, route: "Route", headers: Mapping[str, str], arguments: dict[str, Any]) -> Response[str]:
        if route.mutates:
            return self._changed(route, headers, lambda tx: self._render(route, route.function(**arguments, tx=tx)))
        result = route.function(**arguments)
        if isinstance(result, Document | Redirect):
            return result.answer(headers.get("if-none-match", ""))
        answer = self._render(route, result)
        if route.method != "GET":
            return _response(answer)
        return _conditional(answer, route.cache, headers.get("if-none-match", ""))

    def _changed(
        self, route: "Route", headers: Mapping[str, str], plan: Callable[[Transaction], Answer]
    ) -> Response[str]:
        """Do what the plan says, or with ``X-Dry-Run`` tell what it would have written."""
        cause = self._called_by.cause(self._request_id)
        operation = self._operation(self.resolver.current_event.raw_event, self._called_by, route)
        if _is_dry_run(headers):
            answer, transaction = rehearse(plan, cause)
            return _response(self._rehearsed(route, answer, transaction), {"X-Dry-Run": "true"})
        done = perform(plan, operation, cause)
        tag = {} if done.version is None else {"ETag": caching.etag(done.body, done.version)}
        return _response(done, tag | ({"Idempotent-Replayed": "true"} if done.replayed else {}))

    def _caller(self, event: Mapping[str, Any]) -> Caller:
        route = self._route(event)
        if route is None:
            raise NotFound("route")
        headers = _headers(event)
        request = event.get("requestContext") or {}
        context, address = request.get("authorizer") or {}, str((request.get("identity") or {}).get("sourceIp") or "")
        public = route.scope == PUBLIC_SCOPE
        self._standing = route.enter(address) if public else rate_limits.from_context(context)
        if self._standing is not None:
            require_admitted(self._standing)
        if public:
            named = bool(route.tenant_in) and route.tenant_in in _parameters(event)
            caller = authentication.public(headers, tenant_required=route.tenant_header and not named)
        else:
            scope = route.scope_for(str(context.get("role")))
            caller = authentication.authenticated(
                context, headers, self.surface, scope, tenant_required=route.tenant_header
            )
        return replace(
            caller,
            address=address,
            agent=_printable(headers.get("user-agent", "")),
            locale=localisation.read(headers),
        )

    def _route(self, event: Mapping[str, Any]) -> "Route | None":
        asked = (event.get("httpMethod"), event.get("resource"))
        return next((route for route in self.routes if (route.method, route.path) == asked), None)

    def _unpacked(self, event: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
        """The event with what a form tells as its JSON body, and the form's file; as it came where it holds none."""
        headers, route = _headers(event), self._route(event)
        if route is None or not route.takes_upload or not event.get("body"):
            return event, None
        from commerce.http import uploads  # and with it the parser, for the routes that take files

        content_type = headers.get("content-type", "")
        if not uploads.is_form_data(content_type):
            return event, None
        fields, content = uploads.read(content_type, _raw(event).body)
        told = {"body": wire_json.dumps(fields), "isBase64Encoded": False}
        return {**event, **told, "headers": {**headers, "content-type": _JSON}}, content

    def _render(self, route: "Route", result: Any) -> Answer:
        if result is None:
            return Answer(route.status, "{}" if route.may_be_empty else "")
        if isinstance(result, Page):
            rows = [row.model_dump(by_alias=True) for row in result.items]
            return Answer(route.status, wire_json.dumps(self.surface.many(rows, result)))
        if isinstance(result, list):
            return Answer(
                route.status, wire_json.dumps(self.surface.one([r.model_dump(by_alias=True) for r in result]))
            )
        body = wire_json.dumps(self.surface.one(result.model_dump(by_alias=True)))
        version = getattr(result, "version", None)
        return Answer(route.status, body, version=version if isinstance(version, int) else None)

    def _rehearsed(self, route: "Route", answer: Answer | None, transaction: Transaction) -> Answer:
        """What a dry run tells: the answer that the change would have had, its writes, and where it stopped."""
        shown = answer is not None and answer.body and not route.secret
        report = {
            "dry_run": True,
            "status": route.status,
            "answer": wire_json.loads(answer.body) if answer is not None and shown else None,
            "writes": [{"action": write.action, "kind": write.kind} for write in transaction.writes],
            "stopped_before": transaction.calls[0] if transaction.calls else None,
        }
        return Answer(200, wire_json.dumps(self.surface.one(report)))

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
        expected = _headers(event).get("if-match")
        request = [route.method, event["path"], event.get("multiValueQueryStringParameters"), body, expected]
        if self._upload is not None:
            request.append(hashlib.sha256(self._upload).hexdigest())
        return Operation(
            tenant=caller.tenant,
            principal_id=caller.principal_id,
            key=key,
            fingerprint=_fingerprint(wire_json.canonical(request)),
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
            if status == 401 and self.surface.challenge:
                headers["WWW-Authenticate"] = self.surface.challenge
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
        tenant_in: str = "",
        merchants_scope: str = "",
        may_conflict: bool = False,
        hidden: bool = False,
        secret: bool = False,
        cache: str = caching.NEVER,
        budgets: "Budgets | None" = None,
    ) -> None:
        self.method, self.path, self.scope, self.status, self.function = method, path, scope, status, function
        self.name = name or function.__name__
        self.tenant_header = tenant_header
        self.tenant_in = tenant_in
        self.merchants_scope = merchants_scope
        self.may_conflict = may_conflict
        self.hidden = hidden
        self.secret = secret
        self.cache = cache
        self.budgets = budgets
        signature = inspect.signature(function)
        self.wants = signature.parameters
        self.query: type[Any] | None = self._annotation("query")
        self.body: Any = self._annotation("body")
        self.form: type[forms.Form] | None = self._annotation("form")
        self.mutates = "tx" in self.wants
        self.takes_upload = "upload" in self.wants
        self._answers = signature.return_annotation

    def _annotation(self, name: str) -> Any:
        parameter = self.wants.get(name)
        return None if parameter is None else parameter.annotation

    def scope_for(self, role: str) -> str:
        """What a credential of this role must carry."""
        return self.merchants_scope if self.merchants_scope and role in MERCHANT_ROLES else self.scope

    def enter(self, address: str) -> Standing | None:
        """Count a stranger's call, where the route has budgets."""
        return None if self.budgets is None else self.budgets.enter(address)

    def guess(self, caller: Caller, arguments: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Around the endpoint's own work, which may be a stranger's guess."""
        return nullcontext() if self.budgets is None else self.budgets.guess(caller.tenant.tenant_id, arguments)

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
        if self._answers in _WITHOUT_CONTRACT:
            return None
        return next((kind for kind in get_args(self._answers) if kind is not type(None)), self._answers)

    @property
    def may_be_empty(self) -> bool:
        """Whether it answers ``{}`` at times, instead of with its contract (contract X-38)."""
        return type(None) in get_args(self._answers)

    def wire_signature(self) -> inspect.Signature:
        """Path parameters, query model and body, without what is injected here."""
        parameters = []
        for name, parameter in self.wants.items():
            if name in _INJECTED:
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


class SharedPortalApi(Api):
    """The same, for the staff as well."""

    surface = PORTAL_SHARED


class PublicApi(Api):
    """Routes without a credential; ``{success, data}``."""

    surface = PUBLIC


class V2Api(Api):
    """``/v2``, the platform API: bare objects, lists with ``pagination``."""

    surface = V2


class OAuthApi(Api):
    """``/oauth``: form encoding in, RFC 6749's answers and errors out."""

    surface = OAUTH
    accepts = forms.CONTENT_TYPE


class GiftCardsApi(Api):
    """``/storefront/giftcards``: bare objects in camelCase, for staff and, their own cards, for customers."""

    surface = GIFT_CARDS


class GiftCardsPublicApi(Api):
    """``/storefront/giftcards`` without a credential: the tenant is named, serial and PIN are proof."""

    surface = GIFT_CARDS_PUBLIC


class CheckoutsApi(Api):
    """``/api/storefront``: the signed-in customer's checkout; ``{data}``, camelCase."""

    surface = CHECKOUTS


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
    # Of a list the resolver would take the first element, and forget the others.
    return tuple(value) if isinstance(value, list) else value


def _refuse_large(event: Mapping[str, Any]) -> None:
    body = event.get("body") or ""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"A body has at most {MAX_BODY_BYTES} bytes", field="body", reason="body_too_large")


def _refuse_other_types(event: Mapping[str, Any], accepted: str) -> None:
    """Bodies are JSON. The resolver would read forms too, past all that is checked when JSON is read."""
    given = _headers(event).get("content-type") or accepted
    if event.get("body") and given.partition(";")[0].strip().lower() != accepted:
        raise Malformed(f"Send {accepted}", field="Content-Type", reason="unsupported_content_type")


def _refuse_unknown(event: Mapping[str, Any], route: Route) -> None:
    if route.form is not None and route.method == "GET":
        return  # OAuth ignores what it does not know
    fields = route.query.model_fields.items() if route.query is not None else ()
    known = {field.alias or name for name, field in fields}
    for name in sorted(set(_parameters(event)) - known):
        if not ("criteria" in route.wants and criteria.is_criterion(name)):
            raise Malformed(f"Unknown query parameter {name[:40]!r}", field=name[:40], reason="unknown_parameter")


def _parameters(event: Mapping[str, Any]) -> Mapping[str, list[str]]:
    single = event.get("queryStringParameters") or {}
    return event.get("multiValueQueryStringParameters") or {name: [value] for name, value in single.items()}


def _if_match(headers: Mapping[str, str], route: Route) -> int | None:
    """The version that a change expects.

    Raises:
        Malformed: it is not a tag of ours, or this route cannot keep such a promise.
    """
    given = headers.get("if-match")
    if given is None or route.method == "GET":
        return None
    if "if_match" not in route.wants:
        raise Malformed("This route does not take If-Match", field="If-Match", reason="unsupported_header")
    return caching.wanted_version(given)


def _is_dry_run(headers: Mapping[str, str]) -> bool:
    given = headers.get("x-dry-run", "false").strip()
    if given not in ("true", "false"):
        raise Malformed("X-Dry-Run is true or false", field="X-Dry-Run", reason="bad_dry_run")
    return given == "true"


def _response(answer: Answer, headers: Mapping[str, str] | None = None) -> Response[str]:
    own: dict[str, str | list[str]] = {"Cache-Control": caching.NEVER, **(headers or {})}
    return Response(answer.status, content_type=_JSON, body=answer.body, headers=own)


def _conditional(answer: Answer, cache: str, if_none_match: str) -> Response[str]:
    """What was read with its tag, or 304 for a reader who has it already (RFC 9110, section 13.1.2)."""
    tag = caching.etag(answer.body, answer.version)
    headers: dict[str, str | list[str]] = {"Cache-Control": cache, "ETag": tag, "Vary": caching.VARY}
    if caching.is_known(tag, if_none_match):
        return Response(304, body="", headers=headers)
    return Response(answer.status, content_type=_JSON, body=answer.body, headers=headers)


def _add_headers(answer: dict[str, list[str]], more: Mapping[str, str]) -> None:
    """What the answer says itself stands; ``Vary`` is a list that grows."""
    for name, value in more.items():
        given = answer.setdefault(name, [])
        if not given or name == "Vary":
            given.append(value)


def _printable(text: str) -> str:
    return "".join(char for char in text[:_MAX_AGENT] if char.isprintable())


def _form(event: Mapping[str, Any], route: Route) -> forms.Form | None:
    if route.form is None:
        return None
    return forms.read(route.form, _parameters(event) if route.method == "GET" else forms.parse(_raw(event).body))


def _base_url(event: Mapping[str, Any]) -> str:
    """Where the API is, for links to it: as the deployment says, else as API Gateway calls itself.

    Never the Host header: that is the sender's to choose.
    """
    said = os.environ.get("API_URL", "")
    if said:
        return said
    request = event.get("requestContext") or {}
    stage = str(request.get("path") or "").removesuffix(str(event.get("path") or ""))
    return f"https://{request.get('domainName', '')}{stage}"


def _raw(event: Mapping[str, Any]) -> Raw:
    body = event.get("body") or ""
    return Raw(b64decode(body) if event.get("isBase64Encoded") else body.encode(), _headers(event))


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Headers with names in lower case (RFC 9110: names are case-insensitive)."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _fingerprint(request: str) -> str:
    """What tells a request from others, and tells nothing of the PIN that may be in it."""
    return hmac.new(os.environ["CURSOR_KEY"].encode(), request.encode(), hashlib.sha256).hexdigest()


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


__all__ = [
    "AdminApi",
    "Api",
    "Caller",
    "CheckoutsApi",
    "GiftCardsApi",
    "GiftCardsPublicApi",
    "OAuthApi",
    "Page",
    "PortalApi",
    "PublicApi",
    "Raw",
    "SharedPortalApi",
    "Transaction",
    "V2Api",
    "V2PublicApi",
]
