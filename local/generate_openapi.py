"""Generate the API's descriptions from the handlers.

``openapi.yaml`` is what API Gateway deploys: every route, its function and whether the authorizer guards it (OpenAPI
3.0, no schemas). ``functions/docs/reference/openapi.json`` is what people and programs read: every model, example,
error and scope (OpenAPI 3.1). ``functions/gateway/methods/methods.json`` says which methods each path has. All are
committed; ``--check`` fails when one would change.
"""

import argparse
import importlib.util
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import JsonSchemaMode, models_json_schema

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
GATEWAY_FILE = ROOT / "openapi.yaml"
PUBLIC_FILE = FUNCTIONS / "docs" / "reference" / "openapi.json"
METHODS_FILE = FUNCTIONS / "gateway" / "methods" / "methods.json"
VERSION = "2.3.0"
_SCHEMAS = "#/components/schemas/{model}"

sys.path.insert(0, str(ROOT / "layers" / "common"))
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Till")

from commerce.catalog.finding import PRODUCTS  # noqa: E402
from commerce.customers.finding import CUSTOMERS  # noqa: E402
from commerce.http.api import PUBLIC_SCOPE, Api, Route  # noqa: E402
from commerce.http.envelopes import ADMIN, CHECKOUTS, Surface  # noqa: E402
from commerce.http.errors import STATUS  # noqa: E402
from commerce.http.forms import CONTENT_TYPE as FORM  # noqa: E402
from commerce.http.uploads import CONTENT_TYPE as FORM_DATA  # noqa: E402
from commerce.http.uploads import FILE_PART, TOLD_BY_FILE  # noqa: E402
from commerce.kernel import conditions  # noqa: E402
from commerce.kernel.criteria import Operator  # noqa: E402

# What lists with criteria can be filtered by.
FILTERED = {"/v2/products": PRODUCTS, "/v2/customers": CUSTOMERS}

TAGS = {
    "admin": "The merchant's back office. Envelope `{success, data}`; amounts in decimal major units.",
    "portal": "The storefront's signed-in customer. Envelope `{success, data}`; amounts in decimal major units.",
    "checkouts": "The storefront's checkout, of the signed-in customer. Envelope `{data}`, camelCase.",
    "gift cards": "Gift cards: all for the staff, a customer's own. Bare objects, camelCase; decimal major units.",
    "gift cards public": "Gift cards, with serial and PIN instead of a credential. The `orgid` header names the shop.",
    "public": "No credential. The `orgid` header names the shop.",
    "v2": "The platform API. Bare objects, lists with `pagination`.",
    "v2 public": "The platform API, without a credential.",
    "oauth": "Signing in (RFC 6749, PKCE). Form encoding in; errors as `{error, error_description}`.",
}

_ABOUT = """Orders, carts, payments and stock. Every cent is accounted for.

- **Credential**: send `Authorization: Bearer <key or token>`. *Authorize* takes it for this page.
- **Retries**: a request that changes something takes an `Idempotency-Key`; the same key and body have one effect.
- **Lists**: `limit` rows to a page, at most 200; follow `next_cursor` until it is null.
- **Amounts** are decimals in major units, exact: `149.99` are 14999 cents.
- **Limits**: `X-RateLimit-Limit` calls an hour, of which `X-RateLimit-Remaining` are left now; at `X-RateLimit-Reset`
  (Unix seconds) all are there again. A rested credential may call twice as often in a row; after that, and beyond its
  daily limit, the answer is 429 with `Retry-After`.
- **Errors** name `code`, `message`, `details` and `request_id`; the request id is in the header `X-Request-Id` too.
"""


# What API Gateway answers by itself, in a form that both envelopes accept: response type, status (None: the gateway's
# own), code, message. As part of the API's body they belong to its deployment; resources of their own would only take
# effect with the deployment after.
GATEWAY_ANSWERS: tuple[tuple[str, int | None, str, str], ...] = (
    ("UNAUTHORIZED", 401, "authentication_error", "A valid credential is required"),
    ("ACCESS_DENIED", 403, "authorization_error", "This credential does not reach that"),
    ("AUTHORIZER_FAILURE", 503, "server_error", "Temporarily unavailable, try again"),
    ("AUTHORIZER_CONFIGURATION_ERROR", 500, "server_error", "Internal error"),
    ("MISSING_AUTHENTICATION_TOKEN", 404, "not_found", "No such route"),
    ("RESOURCE_NOT_FOUND", 404, "not_found", "No such route"),
    ("REQUEST_TOO_LARGE", 413, "validation_error", "The body is too large"),
    ("UNSUPPORTED_MEDIA_TYPE", 415, "validation_error", "Send application/json"),
    ("THROTTLED", 429, "rate_limit_exceeded", "Too many requests"),
    ("QUOTA_EXCEEDED", 429, "rate_limit_exceeded", "Too many requests"),
    ("DEFAULT_4XX", None, "validation_error", "The request was refused"),
    ("INTEGRATION_FAILURE", 503, "server_error", "Temporarily unavailable, try again"),
    ("INTEGRATION_TIMEOUT", 503, "server_error", "Temporarily unavailable, try again"),
    ("DEFAULT_5XX", None, "server_error", "Internal error"),
)
_RETRY_LATER = frozenset({429, 503})
PREFLIGHT = "CorsAnswerPreflight"  # answers OPTIONS for every route that pages may call
REFUSAL = "GatewayRefuseMethod"  # answers 405 for the methods that a path does not have
METHODS = frozenset({"get", "head", "post", "put", "patch", "delete", "options"})


def load_handlers() -> dict[Path, Any]:
    """Import every handler file by its path; the key is relative to the repository."""
    modules = {}
    for file in sorted(FUNCTIONS.rglob("*.py")):
        name = "handler_" + "_".join(file.relative_to(FUNCTIONS).with_suffix("").parts)
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise SystemExit(f"cannot load {file}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        modules[file.relative_to(ROOT)] = module
    return modules


def logical_id(file: Path) -> str:
    """The template's name of a handler file: its surface and its file name, in camel case."""
    surface = file.parts[1]
    return "".join(word.capitalize() for word in f"{surface}_{file.stem}".split("_"))


def routes() -> list[tuple[str, Route, Api]]:
    """Every route as (logical id of its function, route, its API), in order of path and method."""
    found = []
    for file, module in load_handlers().items():
        api = getattr(module, "app", None)
        if isinstance(api, Api):
            found += [(logical_id(file), route, api) for route in api.routes]
    return sorted(found, key=lambda each: (each[1].path, each[1].method))


def gateway_description() -> dict[str, Any]:
    """What API Gateway deploys."""
    paths: dict[str, Any] = {}
    for function, route, api in routes():
        methods = paths.setdefault(route.path, {})
        methods[route.method.lower()] = _gateway_operation(
            function, operation_id(function, route), route.path, public=route.scope == PUBLIC_SCOPE
        )
        if api.surface.name in TAGS and not route.hidden:
            name = PREFLIGHT + "".join(word.capitalize() for word in re.findall(r"\w+", route.path))
            methods["options"] = _gateway_operation(PREFLIGHT, name, route.path, public=True)
    for path, methods in paths.items():
        for method in sorted(METHODS - methods.keys()):
            name = REFUSAL + "".join(word.capitalize() for word in [method, *re.findall(r"\w+", path)])
            methods[method] = _gateway_operation(REFUSAL, name, path, public=True)
    authorizer = {
        "type": "request",
        "identitySource": "method.request.header.Authorization",
        "authorizerUri": {
            "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
            "${AuthorizerAuthorizeRequest.Arn}/invocations"
        },
        "authorizerCredentials": {"Fn::GetAtt": ["ApiRole", "Arn"]},
        # A revoked key must stop at once, so no answer of the authorizer is kept.
        "authorizerResultTtlInSeconds": 0,
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": {"Ref": "AWS::StackName"}, "version": VERSION},
        "paths": paths,
        # Files arrive as they were sent, in base64; everything else is text.
        "x-amazon-apigateway-binary-media-types": [FORM_DATA],
        "x-amazon-apigateway-gateway-responses": {
            kind: gateway_answer(status, code, message) for kind, status, code, message in GATEWAY_ANSWERS
        },
        "components": {
            "securitySchemes": {
                "credential": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "custom",
                    "x-amazon-apigateway-authorizer": authorizer,
                }
            }
        },
    }


def _gateway_operation(function: str, name: str, path: str, *, public: bool) -> dict[str, Any]:
    """One method of one path, handed to its function."""
    operation: dict[str, Any] = {
        "operationId": name,
        "responses": {"default": {"description": "See /docs"}},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": {
                "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
                f"${{{function}.Arn}}/invocations"
            },
            "credentials": {"Fn::GetAtt": ["ApiRole", "Arn"]},
            "passthroughBehavior": "when_no_match",
        },
        "security": [] if public else [{"credential": []}],
    }
    parameters = [
        {"name": each, "in": "path", "required": True, "schema": {"type": "string"}}
        for each in re.findall(r"\{(\w+)\}", path)
    ]
    return operation | ({"parameters": parameters} if parameters else {})


def gateway_answer(status: int | None, code: str, message: str) -> dict[str, Any]:
    """One gateway response with the canonical error."""
    error = {"code": code, "message": message, "details": [], "request_id": "$context.requestId"}
    parameters = {
        "gatewayresponse.header.X-Request-Id": "context.requestId",
        # A page must be able to read why it was refused; these answers hold nothing else.
        "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
        "gatewayresponse.header.Access-Control-Expose-Headers": "'X-Request-Id, Retry-After'",
    }
    if status in _RETRY_LATER:
        parameters["gatewayresponse.header.Retry-After"] = "'1'"
    return {
        **({"statusCode": str(status)} if status else {}),
        "responseParameters": parameters,
        "responseTemplates": {
            "application/json": json.dumps({"success": False, "error": error}, separators=(",", ":"))
        },
    }


def methods_of_paths() -> dict[str, list[str]]:
    """What an ``Allow`` header says of each path (RFC 9110, section 10.2.1)."""
    found = {
        path: sorted(
            method.upper()
            for method, operation in methods.items()
            if f"${{{REFUSAL}.Arn}}" not in operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        )
        for path, methods in gateway_description()["paths"].items()
    }
    return dict(sorted(found.items()))


def public_description() -> dict[str, Any]:
    """What readers of the API see."""
    found = [each for each in routes() if each[2].surface.name in TAGS and not each[1].hidden]
    wanted = {(model, mode) for _, route, _ in found for model, mode in _models(route)}
    order = sorted(wanted, key=lambda pair: (pair[0].__name__, pair[1]))
    names, definitions = models_json_schema(order, ref_template=_SCHEMAS)
    schemas = _with_examples(definitions.get("$defs", {})) | {"Error": _error_schema(), "DryRun": _DRY_RUN}
    for _, route, _ in found:
        schemas |= _query_schema(route).get("$defs", {})
    surfaces = {api.surface.name: api.surface for _, _, api in found}
    paths: dict[str, Any] = {}
    for function, route, api in found:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(function, route, api, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Till",
            "version": VERSION,
            "description": _ABOUT,
        },
        "servers": [{"url": "./", "description": "Where this page comes from"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": dict(item for surface in surfaces.values() for item in _refusals(surface).items()),
            "headers": {name: header | {"required": name not in _NOT_ALWAYS} for name, header in _HEADERS.items()},
            "securitySchemes": {
                "credential": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`live_…`, `test_…`), or a customer's or staff member's JWT.",
                }
            },
        },
    }


def operation_id(function: str, route: Route) -> str:
    """One per route: the function's name, and the method where a function has several routes."""
    return function if route.name == route.function.__name__ else f"{function}{route.method.capitalize()}"


def _models(route: Route) -> list[tuple[Any, JsonSchemaMode]]:
    found: list[tuple[Any, JsonSchemaMode]] = []
    if route.body_model is not None:
        found.append((route.body_model, "validation"))
    answer = route.answer_model
    if answer is not None:
        found.append((answer, "serialization"))
    return found


def _operation(function: str, route: Route, api: Api, names: dict[Any, Any]) -> dict[str, Any]:
    public = route.scope == PUBLIC_SCOPE
    description = route.description
    if not public:
        staff = f"; of the staff, `{route.merchants_scope}`" if route.merchants_scope else ""
        description = f"{description}\n\nNeeds the scope `{route.scope}`{staff}.".strip()
    operation: dict[str, Any] = {
        "operationId": operation_id(function, route),
        "tags": [api.surface.name],
        "summary": route.summary,
        "description": description,
        "parameters": _parameters(route, public=public),
        "responses": _responses(route, api, names, public=public),
        "security": [] if public else [{"credential": []}],
    }
    if route.body_model is not None:
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": {"schema": names[(route.body_model, "validation")]}},
        }
    if route.takes_upload:
        operation["requestBody"]["content"][FORM_DATA] = {"schema": _form_data(route)}
    if route.form is not None and route.method != "GET":
        schema = route.form.model_json_schema(ref_template=_SCHEMAS)
        operation["requestBody"] = {"required": True, "content": {FORM: {"schema": schema}}}
    return operation


def _form_data(route: Route) -> dict[str, Any]:
    """A form with a file, which says itself what JSON says of it."""
    schema = route.body_model.model_json_schema(ref_template=_SCHEMAS)
    fields = {name: _given(each) for name, each in schema["properties"].items() if name not in TOLD_BY_FILE}
    file = {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1}
    return {
        "type": "object",
        "required": [FILE_PART],
        "properties": {FILE_PART: file, **fields},
        "additionalProperties": False,
    }


def _parameters(route: Route, *, public: bool) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": _SEGMENT}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    schema = _query_schema(route)
    required = set(schema.get("required", []))
    for name, field in schema.get("properties", {}).items():
        shape = _given(field)
        text = shape.pop("description", None)
        parameters.append(
            {"name": name, "in": "query", "required": name in required, "schema": shape}
            | ({"description": text} if text else {})
        )
    if "criteria" in route.wants:
        parameters += _criteria(FILTERED[route.path].fields)
    if _is_tagged(route):
        text = "The `ETag` of what you have already; if it is still that, the answer is 304"
        parameters.append(_header("If-None-Match", text, {"type": "string", "examples": ['"3-5d41402abc4b2a76b971"']}))
    if route.mutates:
        text = "Makes a retry safe: the same key and body give the same answer and one effect."
        parameters.append(_header("Idempotency-Key", text, {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"}))
        text = "`true` tells what the call would write, and writes nothing"
        parameters.append(_header("X-Dry-Run", text, {"type": "string", "enum": ["false", "true"]}))
    if "if_match" in route.wants:
        text = "The `ETag` or `version` that the change is based on; 409 if it is another by now"
        parameters.append(_header("If-Match", text, {"type": "string", "pattern": _TAG, "examples": ["3"]}))
    if public and route.tenant_header:
        text = f"The shop; `{route.tenant_in}` names it, too" if route.tenant_in else "The shop"
        shop = _header("orgid", text, {"type": "string", "pattern": _SEGMENT})
        parameters.append(shop | {"required": not route.tenant_in})
    return parameters


_SEGMENT = r"^[A-Za-z0-9_\-][A-Za-z0-9_.\-]{0,63}$"  # of a path; an id, but neither . nor ..
_TAG = r'^(?:\*|(?:W/)?"?[1-9][0-9]{0,8}(?:-[0-9a-f]+)?"?)$'


def _query_schema(route: Route) -> dict[str, Any]:
    """The JSON schema of what stands in the address after the question mark."""
    query = route.query or (route.form if route.method == "GET" else None)
    return {} if query is None else query.model_json_schema(ref_template=_SCHEMAS)


def _is_tagged(route: Route) -> bool:
    """Whether its answers have an ETag, always."""
    return route.method == "GET" and route.answer_model is not None


def _header(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _criteria(fields: Sequence[conditions.Field]) -> list[dict[str, Any]]:
    """``filter[field][operator]`` of each field, and ``metadata[key]``."""
    found = [
        _deep(f"filter[{field.name}]", {"properties": _operators(field), "additionalProperties": False})
        for field in fields
    ]
    pairs = {"propertyNames": {"pattern": r"^[^\[\]]{1,40}$"}, "additionalProperties": {"type": "string"}}
    return [*found, _deep("metadata", pairs)]


def _deep(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "style": "deepObject",
        "explode": True,
        "schema": {"type": "object", **schema},
    }


def _operators(field: conditions.Field) -> dict[str, Any]:
    """What each operator of a field takes; ``in`` and ``nin`` take several values with commas between them."""
    several = (Operator.IN, Operator.NIN)
    taken = sorted(conditions.OPERATORS[field.kind])
    return {str(each): _several(field) if each in several else _operand(field) for each in taken}


def _operand(field: conditions.Field) -> dict[str, Any]:
    match field.kind:
        case conditions.Kind.CHOICE:
            return {"type": "string", "enum": list(field.choices)}
        case conditions.Kind.AMOUNT:
            return {"type": "string", "pattern": f"^{_AMOUNT}$"}
        case conditions.Kind.INSTANT:
            return {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}
    return {"type": "string", "minLength": 1}


def _several(field: conditions.Field) -> dict[str, Any]:
    match field.kind:
        case conditions.Kind.CHOICE:
            one = "|".join(field.choices)
        case conditions.Kind.AMOUNT:
            one = _AMOUNT
        case conditions.Kind.INSTANT:
            one = _DAY
        case _:
            one = "[^,]+"
    return {"type": "string", "pattern": f"^(?:{one})(?:,(?:{one}))*$"}


_AMOUNT = r"[0-9]{1,15}(?:\.[0-9]{1,3})?"
# A pattern cannot know how long a month is; that of a list of dates is content with days that every month has.
_DAY = r"[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?"


def _given(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a query parameter that is sent: leaving it out is not sending null."""
    shapes = [shape for shape in field.get("anyOf", []) if shape != {"type": "null"}]
    if len(shapes) != 1:
        return field
    own = {name: value for name, value in field.items() if name not in ("anyOf", "default", "title")}
    return {**shapes[0], **own}


def _with_examples(schemas: dict[str, Any]) -> dict[str, Any]:
    """The same models without defaults that are nothing: readers' tools would show them instead of the examples."""
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if field.get("default", "") in (None, [], {}):
                del field["default"]
    return schemas


def _responses(route: Route, api: Api, names: dict[Any, Any], *, public: bool) -> dict[str, Any]:
    limited = not public or route.budgets is not None
    done = {str(route.status): _success(route, api, names)}
    if route.mutates:
        done = _with_dry_run(done, api.surface.schema({"$ref": _SCHEMAS.format(model="DryRun")}, is_page=False))
    if _is_tagged(route):
        done["304"] = {"description": "You have it already"}
    for status, each in done.items():
        tag = ("ETag",) if _is_tagged(route) else ()
        told = ("Idempotent-Replayed", *(("X-Dry-Run",) if status == "200" else ())) if route.mutates else ()
        each["headers"] = _headers("Cache-Control", *tag, *told, *(_LIMIT if limited else ()))
    codes = {400, 401, 429, 503} if route.form is not None else {400, 404, 422, 429, 503}
    codes |= (set() if public else {401, 403}) | ({409, 413} if route.mutates else set())
    codes |= {409} if route.may_conflict else set()
    return done | {
        str(code): {"$ref": f"#/components/responses/{_refusal_name(api.surface, code)}"}
        for code in sorted(codes | {500})
    }


def _refusals(surface: Surface) -> dict[str, Any]:
    """The errors of a surface, by the names of their components."""
    words = {status: str(kind.__doc__) for kind, status in STATUS.items()}
    words[500] = "A fault of ours; the body says only the request id."
    canonical = {"$ref": _SCHEMAS.format(model="Error")}
    schema = surface.error_schema(canonical)
    # Who has no credential is refused by the gateway, which speaks one language only.
    own = {401: ADMIN.error_schema(canonical)} if surface is CHECKOUTS else {}
    return {
        _refusal_name(surface, code): {
            "description": text,
            "headers": _headers(*(["Retry-After"] if code in _RETRY_LATER else [])),
            "content": {_JSON: {"schema": own.get(code, schema)}},
        }
        for code, text in sorted(words.items())
    }


def _refusal_name(surface: Surface, code: int) -> str:
    return "".join(word.capitalize() for word in surface.name.split()) + str(code)


def _success(route: Route, api: Api, names: dict[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done"}
    answer = route.answer_model
    if answer is not None:
        reference = names[(answer, "serialization")]
        body = {"type": "array", "items": reference} if route.answers_list else reference
        schema = api.surface.schema(body, is_page=route.answers_page)
        if route.may_be_empty:
            schema = {"anyOf": [schema, {"type": "object", "maxProperties": 0}]}
        success["content"] = {_JSON: {"schema": schema}}
    return success


def _with_dry_run(done: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """A dry run answers 200 with its report, whatever the real call answers."""
    real = done.get("200")
    if real is None:
        return {"200": {"description": "A dry run", "content": {_JSON: {"schema": report}}}, **done}
    real["description"] = "Done, or a dry run"
    real["content"][_JSON]["schema"] = {"oneOf": [real["content"][_JSON]["schema"], report]}
    return done


_JSON = "application/json"
_LIMIT = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_COUNT = {"type": "integer", "minimum": 0}
_HEADERS: dict[str, Any] = {
    "X-Request-Id": {"description": "Name it when you report a problem", "schema": {"type": "string", "minLength": 1}},
    "X-RateLimit-Limit": {"description": "Calls in an hour, or what the route says", "schema": _COUNT},
    "X-RateLimit-Remaining": {"description": "Calls left of them", "schema": _COUNT},
    "X-RateLimit-Reset": {"description": "Unix seconds at which all are there again", "schema": _COUNT},
    "Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}},
    "Cache-Control": {"schema": {"type": "string", "examples": ["no-store"]}},
    "ETag": {
        "description": "Of the content, led by the version of the object in it",
        "schema": {"type": "string", "pattern": r'^"(?:[1-9][0-9]*-)?[0-9a-f]+"$'},
    },
    "Idempotent-Replayed": {
        "description": "The answer of an earlier call with the same `Idempotency-Key`",
        "schema": {"type": "string", "const": "true"},
    },
    "X-Dry-Run": {"description": "Nothing was written", "schema": {"type": "string", "const": "true"}},
}


_NOT_ALWAYS = ("Idempotent-Replayed", "X-Dry-Run")


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


_DRY_RUN: dict[str, Any] = {
    "description": "What a call would have done: its status and answer, what it would write, and where outside of Till "
    "it stopped because what comes after is not ours to try.",
    "type": "object",
    "required": ["dry_run", "status", "answer", "writes", "stopped_before"],
    "additionalProperties": False,
    "properties": {
        "dry_run": {"const": True},
        "status": {"type": "integer", "examples": [201]},
        "answer": {"description": "Null where there is none, where it holds a secret, or where the call stopped"},
        "writes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["action", "kind"],
                "properties": {
                    "action": {"type": "string", "examples": ["put"]},
                    "kind": {"type": "string", "examples": ["product"]},
                },
            },
        },
        "stopped_before": {"type": ["string", "null"], "examples": ["payment_intents.create"]},
    },
}


def _error_schema() -> dict[str, Any]:
    text = {"type": "string"}
    codes = sorted({kind.code for kind in STATUS} | {"server_error"})
    return {
        "type": "object",
        "required": ["code", "message", "details", "request_id"],
        "properties": {
            "code": {"type": "string", "enum": codes},
            "message": text,
            "details": {
                "type": "array",
                "items": {"type": "object", "properties": {"field": text, "message": text, "code": text}},
            },
            "request_id": text,
        },
    }


def main() -> int:
    """Write the files, or with ``--check`` say whether they are current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file would change")
    check = parser.parse_args().check
    header = "# Generated from the handlers by `make openapi`. API Gateway deploys it; people read /docs.\n"
    texts = {
        GATEWAY_FILE: header + yaml.safe_dump(gateway_description(), sort_keys=False, width=120),
        METHODS_FILE: json.dumps(methods_of_paths(), indent=1) + "\n",
        PUBLIC_FILE: json.dumps(public_description(), indent=1, ensure_ascii=False) + "\n",
    }
    stale = [file for file, text in texts.items() if not file.exists() or file.read_text() != text]
    for file in stale:
        print(f"{'out of date' if check else 'written'}: {file.relative_to(ROOT)}")
        if not check:
            file.write_text(texts[file])
    if check and stale:
        print("Run `make openapi` and commit the result.")
        return 1
    print(f"{len(routes())} routes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
