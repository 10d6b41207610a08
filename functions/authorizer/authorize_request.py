"""The REQUEST authorizer

API Gateway asks who is calling, before every route that needs a credential.

It authenticates, and names principal, tenants, role and scopes; the route's own function decides what they are good
for. A credential that is not good is the exception whose message API Gateway turns into 401; any other failure is 500.
"""

from collections.abc import Mapping
from typing import Any

from commerce.access.authentication import Identity, identify
from commerce.kernel import wire_json
from commerce.kernel.errors import Unauthenticated
from commerce.observability import logger


class Unauthorized(Exception):
    def __init__(self) -> None:
        super().__init__("Unauthorized")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request_id = (event.get("requestContext") or {}).get("requestId")
    try:
        identity = identify(_bearer(event))
    except Unauthenticated as refusal:
        logger.info("refused", request_id=request_id, code=refusal.code, reason=refusal.reason)
        raise Unauthorized from None
    except Exception:
        logger.exception("failed", request_id=request_id)
        raise
    logger.info(
        "authorized",
        request_id=request_id,
        principal=identity.principal_id,
        tenants=[tenant.tenant_id for tenant in identity.tenants],
        mode=identity.mode,
        role=identity.role,
    )
    return {
        "principalId": identity.principal_id,
        "policyDocument": _allow_stage(event["methodArn"]),
        "context": _context(identity),
    }


def _bearer(event: Mapping[str, Any]) -> str:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, credential = (headers.get("authorization") or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("A bearer credential is required", reason="no_bearer")
    return credential.strip()


def _allow_stage(method_arn: str) -> dict[str, Any]:
    """Allow every route of the stage: which ones the scopes open is the functions' to say, in their own envelope."""
    api, stage, *_ = method_arn.split("/")
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api}/{stage}/*/*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _context(identity: Identity) -> dict[str, str]:
    """Texts only: API Gateway passes nothing else on."""
    tenants = {
        tenant.tenant_id: {
            "currency": tenant.currency,
            "timezone": tenant.timezone,
            "country": tenant.country,
            "warehouses": tenant.warehouses,
            "payment_window_minutes": tenant.payment_window_minutes,
        }
        for tenant in identity.tenants
    }
    context = {
        "principal_id": identity.principal_id,
        "tenants": wire_json.dumps(tenants),
        "mode": str(identity.mode),
        "role": str(identity.role),
        "scopes": " ".join(sorted(identity.scopes)),
    }
    return context | ({"customer_id": identity.customer_id} if identity.customer_id else {})
