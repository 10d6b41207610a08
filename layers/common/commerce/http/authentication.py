"""From what the authorizer found out to the caller of this request (contract X-20, AUTH-01).

The authorizer authenticates and names what the credential may reach; which of its tenants this request is for, and
whether the route's scope is among its scopes, is decided here, so that a refusal has the surface's envelope.
"""

from collections.abc import Mapping
from typing import Any

from commerce.http.envelopes import Surface
from commerce.kernel import ids, wire_json
from commerce.kernel.caller import Caller, Mode, Role, Tenant
from commerce.kernel.errors import Forbidden, Malformed, Unauthenticated

TENANT_HEADERS = ("x-tenant-id", "orgid")


def authenticated(context: Mapping[str, Any], headers: Mapping[str, str], surface: Surface, scope: str) -> Caller:
    """The caller, entitled to use a route of ``surface`` that asks for ``scope``.

    Args:
        context: the authorizer's answer (``functions/authorizer``): texts only.
        headers: of the request, names in lower case.

    Raises:
        Unauthenticated: the gateway let nobody in here, which a route without an authorizer would.
        Forbidden: another tenant, the wrong kind of principal, or a missing scope.
    """
    if not context.get("principal_id"):
        raise Unauthenticated("A credential is required")
    tenants: dict[str, dict[str, Any]] = wire_json.loads(str(context["tenants"]))
    caller = Caller(
        tenant=_tenant(tenants, _named_tenant(headers), Mode(str(context["mode"]))),
        principal_id=str(context["principal_id"]),
        role=Role(str(context["role"])),
        scopes=frozenset(str(context["scopes"]).split()),
        customer_id=str(context["customer_id"]) if context.get("customer_id") else None,
    )
    if caller.role not in surface.roles:
        raise Forbidden("This credential is not for this part of the API", field="role", reason="wrong_role")
    caller.require(scope)
    return caller


def public(headers: Mapping[str, str], *, tenant_required: bool) -> Caller:
    """Nobody in particular, for the tenant that the request names.

    Raises:
        Malformed: the route needs the header that names its tenant.
    """
    tenant_id = _named_tenant(headers) or ""
    if tenant_required and not ids.is_well_formed(tenant_id):
        raise Malformed("The orgid header must name the shop", field="orgid", reason="tenant_required")
    return Caller(tenant=Tenant(tenant_id=tenant_id), principal_id="anonymous", role=Role.PUBLIC)


def _named_tenant(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in TENANT_HEADERS if headers.get(name)), None)


def _tenant(tenants: dict[str, dict[str, Any]], named: str | None, mode: Mode) -> Tenant:
    if named is None:
        if len(tenants) != 1:
            raise Forbidden("Name the tenant with X-Tenant-ID", field="X-Tenant-ID", reason="tenant_required")
        named = next(iter(tenants))
    settings = tenants.get(named)
    if settings is None:
        raise Forbidden("This credential does not reach that tenant", field="X-Tenant-ID", reason="wrong_tenant")
    return Tenant(
        tenant_id=named,
        mode=mode,
        currency=settings["currency"],
        timezone=settings["timezone"],
        country=settings["country"],
        warehouses=tuple(settings["warehouses"]),
        payment_window_minutes=int(settings["payment_window_minutes"]),
    )
