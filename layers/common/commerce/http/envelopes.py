"""Response envelopes: a property of the surface, not of the handler (contract X-02, X-03)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from commerce.http.errors import status_of
from commerce.kernel.caller import MERCHANT_ROLES, Role
from commerce.kernel.errors import CommerceError, Detail
from commerce.kernel.paging import Page


def error_object(code: str, message: str, details: tuple[Detail, ...], request_id: str) -> dict[str, Any]:
    """The canonical error: ``{code, message, details[{field, message, code}], request_id}``."""
    return {
        "code": code,
        "message": message,
        "details": [{"field": d.field, "message": d.message, "code": d.code} for d in details],
        "request_id": request_id,
    }


@dataclass(frozen=True, slots=True)
class Surface:
    """How one family of routes speaks, and who may speak to it."""

    name: str
    roles: frozenset[Role]
    one: Callable[[Any], Any]
    many: Callable[[list[Any], Page[Any]], Any]
    error: Callable[[dict[str, Any], int], dict[str, Any]]  # of the canonical error and the HTTP status
    headers: Mapping[str, str] = field(default_factory=dict)  # of every answer
    challenge: str = ""  # what a 401 asks for in WWW-Authenticate

    def schema(self, body: dict[str, Any], *, is_page: bool) -> dict[str, Any]:
        """The JSON schema of a successful answer whose payload is ``body``, for the API description."""
        if self.one is _data:
            properties: dict[str, Any] = {"data": body}
        elif self.one is not _bare:
            properties = {"success": {"const": True}, "data": body}
        elif is_page:
            properties = {"data": body}
        else:
            return body
        if is_page:
            properties["pagination"] = _PAGINATION[self.many]()
        return {"type": "object", "properties": properties, "required": list(properties)}

    def error_schema(self, canonical: dict[str, Any]) -> dict[str, Any]:
        """The JSON schema of a refusal, the canonical error's own being ``canonical``."""
        if self.error is _oauth_failure:
            shape: dict[str, Any] = {"error": {"type": "string"}, "error_description": {"type": "string"}}
        elif self.error is _titled_failure:
            texts = {name: {"type": "string"} for name in ("title", "type", "request_id")}
            by_field = {"type": "object", "additionalProperties": {"type": "string"}}
            detail = {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("field", "message", "code")},
            }
            shape = {
                "status": {"type": "integer"},
                **texts,
                "errors": by_field,
                "details": {"type": "array", "items": detail},
            }
        else:
            shape = self.error(canonical, 400)
        properties = {name: ({"const": False} if value is False else value) for name, value in shape.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}

    def failure(self, error: CommerceError, request_id: str) -> dict[str, Any]:
        return self.error(error_object(error.code, error.message, error.details, request_id), status_of(error))

    def server_error(self, request_id: str) -> dict[str, Any]:
        """What a 500 says: the request id and nothing else."""
        return self.error(error_object("server_error", "Internal error", (), request_id), 500)


def _success(data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


def _success_page(rows: list[Any], page: Page[Any]) -> dict[str, Any]:
    pagination = {
        "limit": page.request.limit,
        "offset": page.request.offset,
        "has_more": page.has_more,
        "next_cursor": page.next_cursor,
    }
    return {"success": True, "data": rows, "pagination": pagination}


def _bare_page(rows: list[Any], page: Page[Any]) -> dict[str, Any]:
    """The page-numbered form carries totals; with a cursor the two documented keys stand alone."""
    if page.request.cursor is not None or page.total is None:
        return {"data": rows, "pagination": {"next_cursor": page.next_cursor, "has_more": page.has_more}}
    number = page.request.offset // page.request.limit + 1
    return {
        "data": rows,
        "pagination": {
            "page": number,
            "limit": page.request.limit,
            "total_pages": -(-page.total // page.request.limit),
            "total_items": page.total,
            "has_next": page.has_more,
            "has_previous": number > 1,
            "next_cursor": page.next_cursor,
        },
    }


def _offset_schema() -> dict[str, Any]:
    return _object(limit="integer", offset="integer", has_more="boolean", next_cursor=["string", "null"])


def _page_schema() -> dict[str, Any]:
    counted = {"page": "integer", "limit": "integer", "total_pages": "integer", "total_items": "integer"}
    cursor = ["string", "null"]
    return {
        "oneOf": [
            _object(**counted, has_next="boolean", has_previous="boolean", next_cursor=cursor),
            _object(next_cursor=cursor, has_more="boolean"),
        ]
    }


def _camel_schema() -> dict[str, Any]:
    return _object(nextCursor=["string", "null"], hasMore="boolean")


def _object(**types: str | list[str]) -> dict[str, Any]:
    properties = {name: {"type": kind} for name, kind in types.items()}
    return {"type": "object", "properties": properties, "required": list(types), "additionalProperties": False}


def _failure(error: dict[str, Any], _: int) -> dict[str, Any]:
    return {"success": False, "error": error}


def _bare(value: Any) -> Any:
    return value


def _bare_failure(error: dict[str, Any], _: int) -> dict[str, Any]:
    return {"error": error}


# RFC 6749, sections 4.1.2.1 and 5.2
_OAUTH_ERRORS = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client"}
    | {"unsupported_grant_type", "access_denied", "server_error", "temporarily_unavailable"}
)
_OAUTH_CODES = {
    "authentication_error": "invalid_client",
    "rate_limit_exceeded": "temporarily_unavailable",
    "server_error": "server_error",
}


def _oauth_failure(error: dict[str, Any], _: int) -> dict[str, Any]:
    """RFC 6749's error: the finer reason where it is one of theirs."""
    reason = next((each["code"] for each in error["details"]), "")
    code = reason if reason in _OAUTH_ERRORS else _OAUTH_CODES.get(error["code"], "invalid_request")
    return {"error": code, "error_description": error["message"]}


def _camel_page(rows: list[Any], page: Page[Any]) -> dict[str, Any]:
    return {"data": rows, "pagination": {"nextCursor": page.next_cursor, "hasMore": page.has_more}}


def _data(value: Any) -> dict[str, Any]:
    return {"data": value}


def _titled_failure(error: dict[str, Any], status: int) -> dict[str, Any]:
    """The storefront checkout's error: ``errors`` by field, one message each; ``details`` with their codes besides."""
    details = [each | {"field": _camel(each["field"])} for each in error["details"]]
    return {
        "status": status,
        "title": error["message"],
        "type": f"urn:till:error:{error['code']}",
        "errors": {each["field"]: each["message"] for each in details if each["field"]},
        "details": details,
        "request_id": error["request_id"],
    }


def _camel(field: str) -> str:
    """``shipping_address.postal_code`` as ``shippingAddress.postalCode``."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), field)


_PAGINATION: dict[Callable[[list[Any], Page[Any]], Any], Callable[[], dict[str, Any]]] = {
    _success_page: _offset_schema,
    _bare_page: _page_schema,
    _camel_page: _camel_schema,
}

ADMIN = Surface("admin", MERCHANT_ROLES, _success, _success_page, _failure)
PORTAL = Surface("portal", frozenset({Role.CUSTOMER}), _success, _success_page, _failure)
# What customers have of their own orders, and the staff of all.
PORTAL_SHARED = Surface("portal", MERCHANT_ROLES | {Role.CUSTOMER}, _success, _success_page, _failure)
PUBLIC = Surface("public", frozenset({Role.PUBLIC}), _success, _success_page, _failure)
V2 = Surface("v2", MERCHANT_ROLES, _bare, _bare_page, _bare_failure)
V2_PUBLIC = Surface("v2 public", frozenset({Role.PUBLIC}), _bare, _bare_page, _bare_failure)
OAUTH = Surface(
    "oauth",
    frozenset({Role.PUBLIC}),
    _bare,
    _bare_page,
    _oauth_failure,
    headers={"Pragma": "no-cache"},  # section 5.1
    challenge='Basic realm="till"',
)
# Gift cards are for staff and, their own ones, for customers.
GIFT_CARDS = Surface("gift cards", MERCHANT_ROLES | {Role.CUSTOMER}, _bare, _camel_page, _bare_failure)
GIFT_CARDS_PUBLIC = Surface("gift cards public", frozenset({Role.PUBLIC}), _bare, _camel_page, _bare_failure)
CHECKOUTS = Surface("checkouts", frozenset({Role.CUSTOMER}), _data, _success_page, _titled_failure)
