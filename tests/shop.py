"""What tests need to act in a shop: callers, events as API Gateway sends them, and handlers by their file."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from commerce.http.api import Api
from commerce.kernel import wire_json
from commerce.kernel.caller import Caller, Mode, Role, Tenant

ROOT = Path(__file__).resolve().parent.parent
TENANT = Tenant(
    tenant_id="ten_1", mode=Mode.TEST, currency="USD", timezone="UTC", country="US", warehouses=("wh_001", "wh_002")
)
OTHER_TENANT = Tenant(tenant_id="ten_2", mode=Mode.TEST, currency="USD", warehouses=("wh_001", "wh_002"))
MERCHANT = Caller(tenant=TENANT, principal_id="key_1", role=Role.API_KEY)


@cache
def handler(path: str) -> Any:
    """The module of ``functions/<path>.py``, imported once."""
    name = "tested_" + path.replace("/", "_")
    spec = importlib.util.spec_from_file_location(name, ROOT / "functions" / f"{path}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Answered:
    status: int
    body: Any
    headers: dict[str, str]
    text: str

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Answered":
        """What a handler gave to API Gateway; pages and scripts have no ``body``."""
        headers = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        text = answer["body"] or ""
        is_json = headers.get("Content-Type", "").startswith("application/json")
        return cls(answer["statusCode"], wire_json.loads(text) if text and is_json else None, headers, text)


@dataclass
class Credential:
    """What the authorizer would have found out about a caller."""

    tenant: Tenant = TENANT
    role: Role = Role.API_KEY
    principal_id: str = "key_1"
    scopes: frozenset[str] | None = None  # None: whatever the route asks for
    customer_id: str | None = None
    email: str | None = None

    def context(self, scope: str) -> dict[str, str]:
        settings = {
            "currency": self.tenant.currency,
            "timezone": self.tenant.timezone,
            "country": self.tenant.country,
            "warehouses": list(self.tenant.warehouses),
            "payment_window_minutes": self.tenant.payment_window_minutes,
            "customers_may_cancel": self.tenant.customers_may_cancel,
            "plan": self.tenant.plan,
            "checkout": self.tenant.checkout.document,
            "returns": self.tenant.returns.document,
        }
        return {
            "principal_id": self.principal_id,
            "tenants": wire_json.dumps({self.tenant.tenant_id: settings}),
            "mode": str(self.tenant.mode),
            "role": str(self.role),
            "scopes": scope if self.scopes is None else " ".join(sorted(self.scopes)),
            "address": "allowed",
            "limit": "5000",
            "remaining": "4999",
            "reset": "1774008001",
            **({"customer_id": self.customer_id} if self.customer_id else {}),
            **({"email": self.email} if self.email else {}),
        }


@dataclass
class Said(Credential):
    """A caller of whom the authorizer said exactly this."""

    said: dict[str, str] = field(default_factory=dict)

    def context(self, scope: str) -> dict[str, str]:
        return self.said


def authorize(credential: str, *, headers: dict[str, str] | None = None, source_ip: str = "") -> dict[str, str]:
    """What the authorizer says of a request with this key or token."""
    event = {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/v2/products",
        "headers": {"Authorization": f"Bearer {credential}", **(headers or {})},
        "requestContext": {"requestId": "r", "identity": {"sourceIp": source_ip}},
    }
    context: dict[str, str] = handler("authorizer/authorize_request").handler(event, None)["context"]
    return context


def customer_credential(customer_id: str, tenant: Tenant = TENANT) -> Credential:
    return Credential(tenant=tenant, role=Role.CUSTOMER, principal_id=customer_id, customer_id=customer_id)


@dataclass
class Call:
    """Calls a handler file with an event such as API Gateway's, filled in from the route it serves."""

    credential: Credential = field(default_factory=Credential)

    def __call__(
        self,
        path: str,
        *,
        method: str | None = None,
        route: str | None = None,
        body: Any = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        credential: Credential | None = None,
        base64: bool = False,
        context: Any = None,
        source_ip: str = "",
        **path_parameters: str,
    ) -> Answered:
        api: Api = handler(path).app
        found = next(each for each in api.routes if (method in (None, each.method)) and (route in (None, each.path)))
        concrete = found.path
        for name, value in path_parameters.items():
            concrete = concrete.replace("{" + name + "}", value)
        text = body if body is None or isinstance(body, str) else wire_json.dumps(body)
        event = {
            "httpMethod": found.method,
            "path": concrete,
            "resource": found.path,
            "pathParameters": path_parameters or None,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
            "headers": {"content-type": "application/json", **(headers or {})},
            "multiValueHeaders": {},
            "body": text,
            "isBase64Encoded": base64,
            "requestContext": {
                "requestId": "00000000-0000-0000-0000-000000000000",
                "identity": {"sourceIp": source_ip},
                "authorizer": (credential or self.credential).context(found.scope),
            },
        }
        answer = api.handler(event, context)
        return Answered.of(answer)


type Given = Callable[..., Any]
