"""GET /admin/inventory-history

A merchant reads everything that came into the warehouses or left them, newest first.

What is on hand of a variant at a location is the sum of its rows. A list of one product can come out short with more to
follow: go on with next_cursor until it is null.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.inventory import ledger_store
from commerce.inventory.ledger_contracts import LedgerEntryOut, LedgerQuery

app = AdminApi()


@app.get("/admin/inventory-history", scope="inventory:read")
def list_inventory_history(caller: Caller, query: LedgerQuery) -> Page[LedgerEntryOut]:
    page = ledger_store.page_of(caller.tenant, query.page_request(), query.product_id)
    return page.over(tuple(LedgerEntryOut.of(entry) for entry in page.items))


handler = app.handler
