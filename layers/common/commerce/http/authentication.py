"""From what the authorizer found out to the caller of this request (contract X-20, AUTH-01).

The authorizer authenticates and names what the credential may reach; which of its tenants this request is for, and
whether the route's scope is among its scopes, is decided here, so that a refusal has the surface's envelope.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from commerce.http import rate_limits
from commerce.http.envelopes import Surface
from commerce.kernel import ids, wire_json
from commerce.kernel.caller import Caller, CheckoutPolicy, Mode, Role, Tenant
from commerce.kernel.errors import Forbidden, Malformed, Unauthenticated
from commerce.kernel.return_policy import ReturnPolicy

if TYPE_CHECKING:
    from commerce.access.admission import Admission
    from commerce.access.authentication import Identity

TENANT_HEADERS = ("x-tenant-id", "orgid")
_ALLOWED, _REFUSED = "allowed", "refused"


def to_context(identity: "Identity", named: str | None, admission: "Admission") -> dict[str, str]:
    """What the authorizer says of a request that names the tenant ``named``: texts, as API Gateway passes nothing else.

    It keeps the context small, so of several tenants only the one that the request is for has its settings.
    """
    chosen = identity.tenant(named)
    settings = (
        {}
        if chosen is None
        else {
            "currency": chosen.currency,
            "timezone": chosen.timezone,
            "country": chosen.country,
            "warehouses": chosen.warehouses,
            "payment_window_minutes": chosen.payment_window_minutes,
            "customers_may_cancel": chosen.customers_may_cancel,
            "plan": str(chosen.plan),
            "checkout": chosen.checkout.document,
            "returns": chosen.returns.document,
        }
    )
    tenants = {tenant.tenant_id: settings if tenant is chosen else {} for tenant in identity.tenants}
    context = {
        "principal_id": identity.principal_id,
        "tenants": wire_json.dumps(tenants),
        "mode": str(identity.mode),
        "role": str(identity.role),
        "scopes": " ".join(sorted(identity.scopes)),
        "address": _ALLOWED if admission.address_allowed else _REFUSED,
        **rate_limits.to_context(admission.standing),
    }
    about = {"customer_id": identity.customer_id, "email": identity.email}
    return context | {name: value for name, value in about.items() if value}


def authenticated(
    context: Mapping[str, Any],
    headers: Mapping[str, str],
    surface: Surface,
    scope: str,
    *,
    tenant_required: bool = True,
) -> Caller:
    """The caller, entitled to use a route of ``surface`` that asks for ``scope``.

    Args:
        context: the authorizer's answer (``functions/authorizer``): texts only.
        headers: of the request, names in lower case.
        tenant_required: whether a principal of several tenants must name one.

    Raises:
        Unauthenticated: the gateway let nobody in here, which a route without an authorizer would.
        Forbidden: another tenant, an address outside its networks, the wrong kind of principal, or a missing scope.
    """
    if not context.get("principal_id"):
        raise Unauthenticated("A credential is required")
    tenants: dict[str, dict[str, Any]] = wire_json.loads(str(context["tenants"]))
    tenant = _tenant(tenants, named_tenant(headers), Mode(str(context["mode"])), required=tenant_required)
    if context.get("address") != _ALLOWED:
        raise Forbidden("This credential does not work from this address", reason="address_not_allowed")
    caller = Caller(
        tenant=tenant,
        tenant_ids=tuple(tenants),
        principal_id=str(context["principal_id"]),
        role=Role(str(context["role"])),
        scopes=frozenset(str(context["scopes"]).split()),
        customer_id=str(context["customer_id"]) if context.get("customer_id") else None,
        email=str(context["email"]) if context.get("email") else None,
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
    tenant_id = named_tenant(headers) or ""
    if tenant_required and not ids.is_well_formed(tenant_id):
        raise Malformed("The orgid header must name the shop", field="orgid", reason="tenant_required")
    return Caller(tenant=Tenant(tenant_id=tenant_id), principal_id="anonymous", role=Role.PUBLIC)


def named_tenant(headers: Mapping[str, str]) -> str | None:
    """The tenant that a request names, if it does; ``headers`` with names in lower case."""
    return next((headers[name] for name in TENANT_HEADERS if headers.get(name)), None)


def _tenant(tenants: dict[str, dict[str, Any]], named: str | None, mode: Mode, *, required: bool) -> Tenant:
    if named is None:
        if len(tenants) != 1:
            if not required:
                return Tenant(tenant_id="", mode=mode)
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
        customers_may_cancel=bool(settings["customers_may_cancel"]),
        plan=settings["plan"],
        checkout=CheckoutPolicy.from_document(settings.get("checkout")),
        returns=ReturnPolicy.from_document(settings.get("returns")),
    )
