"""The REQUEST authorizer

API Gateway asks who is calling, before every route that needs a credential.

It authenticates, counts the call, and names principal, tenants, role and scopes; the route's own function decides what
they are good for, and refuses in its surface's envelope. A credential that is not good is the exception whose message
API Gateway turns into 401; any other failure is 500.
"""

from collections.abc import Mapping
from typing import Any

from commerce.access.admission import admit
from commerce.access.authentication import identify
from commerce.http.authentication import named_tenant, to_context
from commerce.kernel.errors import Unauthenticated
from commerce.observability import logger


class Unauthorized(Exception):
    def __init__(self) -> None:
        super().__init__("Unauthorized")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = event.get("requestContext") or {}
    request_id = request.get("requestId")
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    named = named_tenant(headers)
    try:
        identity = identify(_bearer(headers), named)
        admission = admit(identity, named, str((request.get("identity") or {}).get("sourceIp") or ""))
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
        limited=bool(admission.standing.retry_after),
    )
    return {
        "principalId": identity.principal_id,
        "policyDocument": _allow_stage(event["methodArn"]),
        "context": to_context(identity, named, admission),
    }


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, credential = (headers.get("authorization") or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("A bearer credential is required", reason="no_bearer")
    return credential.strip()


def _allow_stage(method_arn: str) -> dict[str, Any]:
    """Allow every route of the stage: which ones the scopes open is the functions' to say, in their own envelope."""
    api, stage, *_ = method_arn.split("/")
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api}/{stage}/*/*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
