"""/v1/invoiceitems: what the next invoice of a customer takes up, or a draft at once."""

from stripe.params import (
    InvoiceItemCreateParams,
    InvoiceItemDeleteParams,
    InvoiceItemListParams,
    InvoiceItemRetrieveParams,
)

from ..billing import invoices, lines, pricing
from ..currencies import known
from ..errors import invalid_request
from ..listing import page
from ..metadata import merged
from ..params import positive
from ..routing import Call, Route
from ..shapes import JsonObject
from .references import customer_named

HONOURED = frozenset({
    "amount", "currency", "customer", "description", "discountable", "invoice", "metadata", "period", "pricing",
    "quantity", "subscription",
})  # fmt: skip


def create(call: Call) -> JsonObject:
    """POST /v1/invoiceitems: an ``amount`` in a ``currency``, or a ``quantity`` of a one-time price."""
    account, params = call.account, call.params
    if "customer" not in params:
        raise invalid_request("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = customer_named(account, params["customer"])
    invoice = None
    if "invoice" in params:
        invoice = account.get("invoice", params["invoice"], param="invoice", status=400)
        if invoice["status"] != "draft":
            raise invalid_request(
                "Invoice items can only be added to a draft invoice.", code="invoice_not_editable", param="invoice"
            )
    members = _priced(call)
    currency = members.pop("currency")
    if invoice is not None and invoice["currency"] != currency:
        raise invalid_request("The item's currency must be the invoice's.", param="currency")
    item = lines.pend(account, customer["id"], currency, members.pop("amount"), members)
    if invoice is not None:
        held = [*invoices.lines_of(account, invoice), lines.of_pending(item)]
        for line in held:
            line["discount_amounts"] = []
        invoices.set_lines(account, invoice, held, [account.get("discount", one) for one in invoice["discounts"]])
    return item


def retrieve(call: Call) -> JsonObject:
    """GET /v1/invoiceitems/{invoiceitem}"""
    return call.account.get("invoiceitem", call.path["invoiceitem"])


def delete(call: Call) -> JsonObject:
    """DELETE /v1/invoiceitems/{invoiceitem}, while no invoice has taken it up."""
    item = retrieve(call)
    if item["invoice"] is not None:
        raise invalid_request("This invoice item is attached to an invoice and can no longer be deleted.")
    del call.account.objects["invoiceitem"][item["id"]]
    call.account.emit("invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def list_all(call: Call) -> JsonObject:
    """GET /v1/invoiceitems, by ``customer``, ``invoice`` and ``pending``."""
    found = call.account.newest_first("invoiceitem")
    for name in ("customer", "invoice"):
        if name in call.params:
            found = [item for item in found if item[name] == call.params[name]]
    if "pending" in call.params:
        found = [item for item in found if (item["invoice"] is None) == call.params["pending"]]
    return page("/v1/invoiceitems", found, call.params)


def _priced(call: Call) -> JsonObject:
    account, params = call.account, call.params
    now = account.now()
    members: JsonObject = {
        "description": params.get("description"),
        "metadata": merged({}, params),
        "period": params.get("period", {"start": now, "end": now}),
    }
    if "subscription" in params:
        subscription = account.get("subscription", params["subscription"], param="subscription", status=400)
        details = {"subscription": subscription["id"], "subscription_item": None}
        members["parent"] = {"subscription_details": details, "type": "subscription_details"}
    if "pricing" in params:
        price = account.get("price", params["pricing"]["price"], param="pricing[price]", status=400)
        if price["recurring"] is not None:
            raise invalid_request(
                "The price specified is set to `type=recurring` but this field only accepts prices with "
                "`type=one_time`.",
                param="pricing[price]",
            )
        quantity = positive(params, "quantity") or 1
        amount = pricing.full_amount(account, price, quantity)
        members |= {"currency": price["currency"], "quantity": quantity, "pricing": lines.pricing_of(price)}
    else:
        for name in ("amount", "currency"):
            if name not in params:
                raise invalid_request(f"Missing required param: {name}.", code="parameter_missing", param=name)
        amount = params["amount"]
        members["currency"] = known(params["currency"])
    return members | {"amount": amount, "discountable": params.get("discountable", amount > 0)}


ROUTES = (
    Route("POST", "/v1/invoiceitems", InvoiceItemCreateParams, create, HONOURED),
    Route("GET", "/v1/invoiceitems", InvoiceItemListParams, list_all),
    Route("GET", "/v1/invoiceitems/{invoiceitem}", InvoiceItemRetrieveParams, retrieve),
    Route("DELETE", "/v1/invoiceitems/{invoiceitem}", InvoiceItemDeleteParams, delete),
)
