"""/v1/customers"""

from stripe.params import (
    CustomerCreateParams,
    CustomerDeleteParams,
    CustomerListParams,
    CustomerListPaymentMethodsParams,
    CustomerRetrieveParams,
    CustomerUpdateParams,
)

from ..accounts import change
from ..billing import ending, status
from ..errors import invalid_request, no_such
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject
from . import payment_methods

PLAIN = ("address", "description", "email", "name", "phone", "preferred_locales", "shipping", "tax_exempt")
HONOURED = frozenset({*PLAIN, "invoice_settings", "metadata", "payment_method"})


def create(call: Call) -> JsonObject:
    """POST /v1/customers"""
    members = _members(call.params)
    method = None
    if call.params.get("payment_method"):
        method = payment_methods.usable(call.account, call.params["payment_method"])
        payment_methods.refuse_unattachable(call.account, method)
    customer = call.account.add(
        "customer",
        {
            "address": None,
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": None,
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "name": None,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
        | members,
    )
    customer["metadata"] = merged({}, call.params)
    call.account.emit("customer.created", customer)
    if method is not None:
        payment_methods.put_on(call.account, method, customer["id"])
    _set_default_method(call, customer)
    return customer


def retrieve(call: Call) -> JsonObject:
    """GET /v1/customers/{customer}; a deleted one answers with ``deleted: true``."""
    return call.account.get("customer", call.path["customer"])


def update(call: Call) -> JsonObject:
    """POST /v1/customers/{customer}"""
    customer = call.account.get("customer", call.path["customer"])
    if customer.get("deleted"):
        raise no_such("customer", customer["id"], param="id")
    members = _members(call.params)
    members["metadata"] = merged(customer["metadata"], call.params)
    previous = change(customer, members)
    previous |= _set_default_method(call, customer)
    if previous:
        call.account.emit("customer.updated", customer, previous)
    return customer


def delete(call: Call) -> JsonObject:
    """DELETE /v1/customers/{customer}; its payment methods are detached, its subscriptions canceled."""
    customer = call.account.get("customer", call.path["customer"])
    if customer.get("deleted"):
        raise no_such("customer", customer["id"], param="id")
    for subscription in call.account.newest_first("subscription"):
        if subscription["customer"] == customer["id"] and subscription["status"] not in status.ENDED:
            ending.cancel(call.account, subscription)
    for method in call.account.newest_first("payment_method"):
        if method["customer"] == customer["id"]:
            payment_methods.take_off(call.account, method)
    call.account.emit("customer.deleted", customer)
    stub = {"id": customer["id"], "object": "customer", "deleted": True}
    call.account.objects["customer"][customer["id"]] = stub
    return stub


def list_all(call: Call) -> JsonObject:
    """GET /v1/customers, by ``email`` if given."""
    customers = [customer for customer in call.account.newest_first("customer") if not customer.get("deleted")]
    if "email" in call.params:
        customers = [customer for customer in customers if customer["email"] == call.params["email"]]
    return page("/v1/customers", customers, call.params)


def list_methods(call: Call) -> JsonObject:
    """GET /v1/customers/{customer}/payment_methods"""
    customer_id = call.path["customer"]
    call.account.get("customer", customer_id, param="customer")
    methods = payment_methods.attached_to(call.account, customer_id, call.params.get("type"))
    return page(f"/v1/customers/{customer_id}/payment_methods", methods, call.params)


def _members(params: JsonObject) -> JsonObject:
    email = params.get("email")
    if email is not None and "@" not in email:
        raise invalid_request(f"Invalid email address: {email}", code="email_invalid", param="email")
    return {name: params[name] for name in PLAIN if name in params}


def _set_default_method(call: Call, customer: JsonObject) -> JsonObject:
    """Point the customer at a default payment method, which must be attached to it."""
    settings = call.params.get("invoice_settings")
    if not settings:
        return {}
    wanted = settings.get("default_payment_method")
    if wanted is not None:
        method = call.account.get(
            "payment_method", wanted, param="invoice_settings[default_payment_method]", status=400
        )
        if method["customer"] != customer["id"]:
            raise invalid_request(
                "The customer does not have a payment method with the ID "
                f"{wanted}. The payment method must be attached to the customer.",
                code="resource_missing",
                param="invoice_settings[default_payment_method]",
            )
    return change(customer, {"invoice_settings": customer["invoice_settings"] | settings})


ROUTES = (
    Route("POST", "/v1/customers", CustomerCreateParams, create, HONOURED),
    Route("GET", "/v1/customers", CustomerListParams, list_all),
    Route("GET", "/v1/customers/{customer}", CustomerRetrieveParams, retrieve),
    Route("POST", "/v1/customers/{customer}", CustomerUpdateParams, update, HONOURED - {"payment_method"}),
    Route("DELETE", "/v1/customers/{customer}", CustomerDeleteParams, delete),
    Route("GET", "/v1/customers/{customer}/payment_methods", CustomerListPaymentMethodsParams, list_methods),
)
