"""GET /admin/packing/slip/{order_id}

A merchant prints the packing slip of an order: what lies in the parcel, without prices.

`order_ids` names further orders, whose slips come in the same page and PDF.
"""

from commerce.documents import printing, use_cases
from commerce.documents.contracts import PackingQuery, SlipOut
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/packing/slip/{order_id}", scope="orders:read", may_conflict=True)
def get_slip(caller: Caller, order_id: str, query: PackingQuery, base_url: str) -> SlipOut:
    slips = use_cases.slips(caller, order_id, query.further)
    published = printing.publish(caller.tenant, slips, f"slip_{order_id}", base_url)
    return SlipOut.of(slips, printing.page(caller.tenant, slips), published)


handler = app.handler
