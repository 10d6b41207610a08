"""/v1/invoices and, for reading, /v1/invoice_payments"""

from stripe.params import (
    InvoiceCreateParams,
    InvoiceCreatePreviewParams,
    InvoiceFinalizeInvoiceParams,
    InvoiceLineItemListParams,
    InvoiceListParams,
    InvoiceMarkUncollectibleParams,
    InvoicePaymentListParams,
    InvoicePaymentRetrieveParams,
    InvoicePayParams,
    InvoiceRetrieveParams,
    InvoiceUpdateParams,
    InvoiceVoidInvoiceParams,
)

from ..accounts import change
from ..billing import collection, creation, invoices, previews
from ..billing.calendar import DAY
from ..currencies import known
from ..errors import invalid_request
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject
from . import payment_methods
from .references import customer_named

PLAIN = ("description", "footer", "days_until_due", "statement_descriptor")
HONOURED = frozenset({
    "auto_advance", "collection_method", "currency", "customer", "days_until_due", "default_payment_method",
    "description", "footer", "metadata", "pending_invoice_items_behavior", "statement_descriptor",
})  # fmt: skip
ON_PREVIEW = frozenset({"customer", "subscription", "subscription_details", "preview_mode"})
PREVIEWED = frozenset({
    "billing_cycle_anchor", "items", "metadata", "proration_behavior", "proration_date", "trial_end",
    "cancel_at_period_end",
})  # fmt: skip


def create(call: Call) -> JsonObject:
    """POST /v1/invoices: a draft, over the customer's pending items if ``pending_invoice_items_behavior=include``."""
    account, params = call.account, call.params
    if "customer" not in params:
        raise invalid_request("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = customer_named(account, params["customer"])
    currency = known(params.get("currency") or customer["currency"] or "usd")
    included = params.get("pending_invoice_items_behavior") == "include"
    lines = invoices.take_pending(account, customer["id"], currency, None) if included else []
    method = params.get("default_payment_method")
    members = {
        "auto_advance": params.get("auto_advance", False),
        "collection_method": params.get("collection_method", "charge_automatically"),
        "default_payment_method": creation.own_method(account, customer["id"], method) if method else None,
        "description": params.get("description"),
        "footer": params.get("footer"),
        "metadata": merged({}, params),
        "statement_descriptor": params.get("statement_descriptor"),
    }
    if members["collection_method"] == "send_invoice":
        if "days_until_due" not in params:
            raise invalid_request(
                "Missing required param: days_until_due.", code="parameter_missing", param="days_until_due"
            )
        members["due_date"] = account.now() + params["days_until_due"] * DAY
    invoice = invoices.draft(account, customer["id"], currency, lines, members)
    if invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = account.now() + invoices.DRAFT_SECONDS
    account.emit("invoice.created", invoice)
    return invoice


def retrieve(call: Call) -> JsonObject:
    """GET /v1/invoices/{invoice}"""
    return call.account.get("invoice", call.path["invoice"])


def update(call: Call) -> JsonObject:
    """POST /v1/invoices/{invoice}; past a draft, only its metadata and whether it advances by itself."""
    account, params, invoice = call.account, call.params, retrieve(call)
    members: JsonObject = {"metadata": merged(invoice["metadata"], params)}
    named = next((name for name in params if name not in {"metadata", "auto_advance", "expand"}), None)
    if named is not None and invoice["status"] != "draft":
        raise invalid_request(
            "Finalized invoices can't be updated in this way.", code="invoice_not_editable", param=named
        )
    members |= {name: params[name] for name in ("description", "footer", "statement_descriptor") if name in params}
    if params.get("default_payment_method"):
        method = creation.own_method(account, invoice["customer"], params["default_payment_method"])
        members["default_payment_method"] = method
    if "auto_advance" in params:
        advances = params["auto_advance"] and invoice["status"] == "draft"
        members["auto_advance"] = params["auto_advance"]
        members["automatically_finalizes_at"] = account.now() + invoices.DRAFT_SECONDS if advances else None
    previous = change(invoice, members)
    if previous:
        account.emit("invoice.updated", invoice, previous)
    return invoice


def finalize(call: Call) -> JsonObject:
    """POST /v1/invoices/{invoice}/finalize"""
    invoice = retrieve(call)
    collection.finalize(call.account, invoice)
    advances = call.params.get("auto_advance", invoice["auto_advance"])
    if advances and invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        invoice["next_payment_attempt"] = call.account.now() + invoices.DRAFT_SECONDS
    return invoice


def pay(call: Call) -> JsonObject:
    """POST /v1/invoices/{invoice}/pay, with a ``payment_method`` if given, or ``paid_out_of_band``."""
    invoice, given = retrieve(call), call.params.get("payment_method")
    if call.params.get("paid_out_of_band"):
        collection.pay_elsewhere(call.account, invoice)
    else:
        method = payment_methods.usable(call.account, given)["id"] if given else None
        collection.pay(call.account, invoice, method)
    return invoice


def void(call: Call) -> JsonObject:
    """POST /v1/invoices/{invoice}/void"""
    invoice = retrieve(call)
    invoices.void(call.account, invoice)
    collection.given_up(call.account, invoice)
    return invoice


def mark_uncollectible(call: Call) -> JsonObject:
    """POST /v1/invoices/{invoice}/mark_uncollectible"""
    invoice = retrieve(call)
    invoices.mark_uncollectible(call.account, invoice)
    collection.given_up(call.account, invoice)
    return invoice


def create_preview(call: Call) -> JsonObject:
    """POST /v1/invoices/create_preview"""
    for name in call.params.get("subscription_details", {}):
        if name not in PREVIEWED:
            raise invalid_request(
                f"The local stand-in does not support subscription_details[{name}] here; Stripe does.",
                code="standin_unsupported_parameter",
                param=f"subscription_details[{name}]",
            )
    return previews.create_preview(call.account, call.params)


def list_all(call: Call) -> JsonObject:
    """GET /v1/invoices, by ``customer``, ``status``, ``subscription`` and ``collection_method``."""
    found = call.account.newest_first("invoice")
    for name in ("customer", "status", "collection_method"):
        if name in call.params:
            found = [invoice for invoice in found if invoice[name] == call.params[name]]
    if "subscription" in call.params:
        found = [one for one in found if invoices.subscription_of(one) == call.params["subscription"]]
    return page("/v1/invoices", found, call.params)


def list_lines(call: Call) -> JsonObject:
    """GET /v1/invoices/{invoice}/lines"""
    invoice = retrieve(call)
    return page(f"/v1/invoices/{invoice['id']}/lines", invoices.lines_of(call.account, invoice), call.params)


def retrieve_payment(call: Call) -> JsonObject:
    """GET /v1/invoice_payments/{invoice_payment}"""
    return call.account.get("invoice_payment", call.path["invoice_payment"])


def list_payments(call: Call) -> JsonObject:
    """GET /v1/invoice_payments, by ``invoice``, ``status`` and payment intent."""
    found = call.account.newest_first("invoice_payment")
    for name in ("invoice", "status"):
        if name in call.params:
            found = [payment for payment in found if payment[name] == call.params[name]]
    intent = call.params.get("payment", {}).get("payment_intent")
    if intent is not None:
        found = [payment for payment in found if payment["payment"]["payment_intent"] == intent]
    return page("/v1/invoice_payments", found, call.params)


INVOICE = "/v1/invoices/{invoice}"

ROUTES = (
    # First, because it would pass for an invoice's id.
    Route("POST", "/v1/invoices/create_preview", InvoiceCreatePreviewParams, create_preview, ON_PREVIEW),
    Route("POST", "/v1/invoices", InvoiceCreateParams, create, HONOURED),
    Route(
        "GET",
        "/v1/invoices",
        InvoiceListParams,
        list_all,
        frozenset({
            "collection_method", "created", "customer", "ending_before", "limit", "starting_after", "status",
            "subscription",
        }),
    ),
    Route("GET", INVOICE, InvoiceRetrieveParams, retrieve),
    Route(
        "POST",
        INVOICE,
        InvoiceUpdateParams,
        update,
        frozenset({
            "auto_advance", "default_payment_method", "description", "footer", "metadata", "statement_descriptor",
        }),
    ),
    Route("POST", f"{INVOICE}/finalize", InvoiceFinalizeInvoiceParams, finalize),
    Route(
        "POST",
        f"{INVOICE}/pay",
        InvoicePayParams,
        pay,
        frozenset({"off_session", "paid_out_of_band", "payment_method"}),
    ),
    Route("POST", f"{INVOICE}/void", InvoiceVoidInvoiceParams, void),
    Route("POST", f"{INVOICE}/mark_uncollectible", InvoiceMarkUncollectibleParams, mark_uncollectible),
    Route("GET", f"{INVOICE}/lines", InvoiceLineItemListParams, list_lines, result="line_item"),
    Route("GET", "/v1/invoice_payments", InvoicePaymentListParams, list_payments),
    Route("GET", "/v1/invoice_payments/{invoice_payment}", InvoicePaymentRetrieveParams, retrieve_payment),
)  # fmt: skip
