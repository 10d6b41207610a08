"""Generate the API's descriptions from the handlers.

``openapi.yaml`` is what API Gateway deploys: every route, its function and whether the authorizer guards it (OpenAPI
3.0, no schemas). ``functions/docs/reference/openapi.json`` is what people and programs read: every model, example,
error and scope (OpenAPI 3.1). Both are committed; ``--check`` fails when either would change.
"""

import argparse
import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import JsonSchemaMode, models_json_schema

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
GATEWAY_FILE = ROOT / "openapi.yaml"
PUBLIC_FILE = FUNCTIONS / "docs" / "reference" / "openapi.json"
VERSION = "2.3.0"
_SCHEMAS = "#/components/schemas/{model}"

sys.path.insert(0, str(ROOT / "layers" / "common"))
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Till")

from commerce.http.api import PUBLIC_SCOPE, Api, Route  # noqa: E402
from commerce.http.errors import STATUS  # noqa: E402

TAGS = {
    "admin": "The merchant's back office. Envelope `{success, data}`; amounts in decimal major units.",
    "portal": "The storefront's signed-in customer. Envelope `{success, data}`; amounts in decimal major units.",
    "public": "No credential. The `orgid` header names the shop.",
    "v2": "The platform API. Bare objects, lists with `pagination`.",
    "v2 public": "The platform API, without a credential.",
}

_ABOUT = """Orders, carts, payments and stock. Every cent is accounted for.

- **Credential**: send `Authorization: Bearer <key or token>`. *Authorize* takes it for this page.
- **Retries**: a request that changes something takes an `Idempotency-Key`; the same key and body have one effect.
- **Lists**: `limit` rows to a page, at most 200; follow `next_cursor` until it is null.
- **Amounts** are decimals in major units, exact: `149.99` are 14999 cents.
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
    for function, route, _ in routes():
        operation: dict[str, Any] = {
            "operationId": operation_id(function, route),
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
            "security": [] if route.scope == PUBLIC_SCOPE else [{"credential": []}],
        }
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", route.path)
        ]
        if parameters:
            operation["parameters"] = parameters
        paths.setdefault(route.path, {})[route.method.lower()] = operation
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


def gateway_answer(status: int | None, code: str, message: str) -> dict[str, Any]:
    """One gateway response with the canonical error."""
    error = {"code": code, "message": message, "details": [], "request_id": "$context.requestId"}
    parameters = {"gatewayresponse.header.X-Request-Id": "context.requestId"}
    if status in _RETRY_LATER:
        parameters["gatewayresponse.header.Retry-After"] = "'1'"
    return {
        **({"statusCode": str(status)} if status else {}),
        "responseParameters": parameters,
        "responseTemplates": {
            "application/json": json.dumps({"success": False, "error": error}, separators=(",", ":"))
        },
    }


def public_description() -> dict[str, Any]:
    """What readers of the API see."""
    found = [each for each in routes() if each[2].surface.name in TAGS and not each[1].hidden]
    wanted = {(model, mode) for _, route, _ in found for model, mode in _models(route)}
    order = sorted(wanted, key=lambda pair: (pair[0].__name__, pair[1]))
    names, definitions = models_json_schema(order, ref_template=_SCHEMAS)
    schemas = _with_examples(definitions.get("$defs", {})) | {"Error": _error_schema()}
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
        description = f"{description}\n\nNeeds the scope `{route.scope}`.".strip()
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
    return operation


def _parameters(route: Route, *, public: bool) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if route.query is not None:
        schema = route.query.model_json_schema(ref_template=_SCHEMAS)
        required = set(schema.get("required", []))
        for name, field in schema["properties"].items():
            shape = _given(field)
            text = shape.pop("description", None)
            parameters.append(
                {"name": name, "in": "query", "required": name in required, "schema": shape}
                | ({"description": text} if text else {})
            )
    if route.mutates:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Makes a retry safe: the same key and body give the same answer and one effect.",
                "schema": {"type": "string", "maxLength": 255},
            }
        )
    if public and route.tenant_header:
        parameters.append(
            {"name": "orgid", "in": "header", "required": True, "description": "The shop", "schema": {"type": "string"}}
        )
    return parameters


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
    answer = route.answer_model
    success: dict[str, Any] = {"description": "Done"}
    if answer is not None:
        reference = names[(answer, "serialization")]
        body = {"type": "array", "items": reference} if route.answers_list else reference
        success["content"] = {"application/json": {"schema": api.surface.schema(body, is_page=route.answers_page)}}
    error = api.surface.error({"$ref": "#/components/schemas/Error"})
    properties = {name: ({"const": False} if value is False else value) for name, value in error.items()}
    refusal = {"application/json": {"schema": {"type": "object", "properties": properties, "required": list(error)}}}
    codes = {400, 404, 422, 429, 503} | (set() if public else {401, 403}) | ({409, 413} if route.mutates else set())
    words = {status: kind.__doc__ for kind, status in STATUS.items()}
    return {
        str(route.status): success,
        **{str(code): {"description": str(words[code]), "content": refusal} for code in sorted(codes)},
        "500": {"description": "A fault of ours; the body says only the request id.", "content": refusal},
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
    """Write both files, or with ``--check`` say whether they are current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file would change")
    check = parser.parse_args().check
    header = "# Generated from the handlers by `make openapi`. API Gateway deploys it; people read /docs.\n"
    texts = {
        GATEWAY_FILE: header + yaml.safe_dump(gateway_description(), sort_keys=False, width=120),
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
