"""GET /admin/packing/pick-list

A merchant prints what is to be fetched for several orders, by warehouse and SKU.

Only what is set aside for paid orders and has not left is on the list.
"""

from commerce.documents import printing, use_cases
from commerce.documents.contracts import PickListOut, PickListQuery
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/packing/pick-list", scope="orders:read")
def get_pick_list(caller: Caller, query: PickListQuery, base_url: str) -> PickListOut:
    picking = use_cases.pick_list(caller, query.ids)
    documents, pick_list_id = (picking.pick_list,), printing.pick_list_id(picking.pick_list)
    page = printing.page(caller.tenant, documents) if query.format == "html" else None
    published = printing.publish(caller.tenant, documents, pick_list_id, base_url)
    return PickListOut.of(picking, pick_list_id, page, published)


handler = app.handler
