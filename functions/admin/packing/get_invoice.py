"""GET /admin/packing/invoice/{order_id}

A merchant prints the invoice of an order: what was sold, for how much, and how it was paid.

An order has one invoice, which is made when somebody first asks for it after the order was paid. It takes the shop's
next number then, and never changes. `order_ids` names further orders, whose invoices come in the same page and PDF.
"""

from commerce.documents import printing, use_cases
from commerce.documents.contracts import InvoiceOut, PackingQuery
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/packing/invoice/{order_id}", scope="orders:read", may_conflict=True)
def get_invoice(caller: Caller, order_id: str, query: PackingQuery, base_url: str) -> InvoiceOut:
    invoices = use_cases.invoices(caller, order_id, query.further)
    published = printing.publish(caller.tenant, invoices, f"invoice_{order_id}", base_url)
    return InvoiceOut.of_invoices(invoices, printing.page(caller.tenant, invoices), published)


handler = app.handler
