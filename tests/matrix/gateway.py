"""API Gateway in this process: ``openapi.yaml`` says who is asked and which function answers."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from commerce.kernel import wire_json
from tests.shop import ROOT, Answered, handler
from tests.template import template

_ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev"
_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


@cache
def description() -> dict[str, Any]:
    """``openapi.yaml``, as it is deployed."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return loaded


@dataclass(frozen=True)
class Gateway:
    """Takes a request as a client sends it; the authorizer and the endpoint's function are the real ones."""

    address: str = "198.51.100.7"  # where requests come from

    def ask(
        self,
        name: str,
        /,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        body: Any = None,
        **path_parameters: str,
    ) -> Answered:
        """Send a request to the route ``METHOD /path``."""
        method, path = name.split(" ")
        operation = description()["paths"][path][method.lower()]
        given = {"Content-Type": "application/json", **(headers or {})}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        concrete = re.sub(r"\{(\w+)\}", lambda found: path_parameters[found[1]], path)
        context: dict[str, Any] = {"requestId": _REQUEST_ID, "identity": {"sourceIp": self.address}}
        if operation["security"]:
            if "Authorization" not in given:
                return _own_answer("UNAUTHORIZED")  # without its identity source the authorizer is not even asked
            asked = {"type": "REQUEST", "methodArn": f"{_ARN}/{method}{concrete}", "headers": given}
            try:
                authorized = handler("authorizer/authorize_request").handler(asked | {"requestContext": context}, None)
            except Exception as refusal:  # noqa: BLE001  (API Gateway tells them apart by their message alone)
                return _own_answer("UNAUTHORIZED" if str(refusal) == "Unauthorized" else "AUTHORIZER_FAILURE")
            assert _allows(authorized["policyDocument"], f"{_ARN}/{method}{concrete}")
            assert all(isinstance(value, str) for value in authorized["context"].values())
            context["authorizer"] = authorized["context"] | {"principalId": authorized["principalId"]}
        event: dict[str, Any] = {
            "httpMethod": method,
            "path": concrete,
            "resource": path,
            "pathParameters": path_parameters or None,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {each: [value] for each, value in (query or {}).items()} or None,
            "headers": given,
            "multiValueHeaders": {each: [value] for each, value in given.items()},
            "body": body if body is None or isinstance(body, str) else wire_json.dumps(body),
            "isBase64Encoded": False,
            "requestContext": context,
        }
        return _answered(_entry(operation)(event, None))


def _entry(operation: dict[str, Any]) -> Any:
    """The Lambda handler that an operation is integrated with."""
    uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    function = re.search(r"\$\{(\w+)\.Arn\}", uri)
    assert function is not None
    properties = template()["Resources"][function[1]]["Properties"]
    module, entry = properties["Handler"].split(".")
    return getattr(handler(properties["CodeUri"].removeprefix("functions/") + module), entry)


def _answered(answer: dict[str, Any]) -> Answered:
    single = {name: [value] for name, value in (answer.get("headers") or {}).items()}
    return Answered.of(answer | {"multiValueHeaders": single | answer.get("multiValueHeaders", {})})


def _allows(policy: dict[str, Any], arn: str) -> bool:
    """Whether API Gateway would let the request through; ``*`` in a policy stands for anything."""
    return any(
        statement["Effect"] == "Allow" and re.fullmatch(re.escape(statement["Resource"]).replace(r"\*", ".*"), arn)
        for statement in policy["Statement"]
    )


def _own_answer(kind: str) -> Answered:
    """What API Gateway says by itself."""
    response = description()["x-amazon-apigateway-gateway-responses"][kind]
    text = response["responseTemplates"]["application/json"].replace("$context.requestId", _REQUEST_ID)
    headers = {
        name.removeprefix("gatewayresponse.header."): value.strip("'")
        for name, value in response["responseParameters"].items()
    }
    return Answered(int(response["statusCode"]), json.loads(text), headers, text)
