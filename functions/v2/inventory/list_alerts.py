"""GET /v2/inventory/{product_id}/alerts

A merchant reads a product's stock alerts, and where stock stands against each of them.

Alerts on all variants come first. Follow next_cursor until it is null.
"""

from commerce.http.api import Caller, Page, V2Api
from commerce.inventory import alerts
from commerce.inventory.alert_contracts import AlertOut, AlertsQuery

app = V2Api()


@app.get("/v2/inventory/{product_id}/alerts", scope="inventory:read")
def list_alerts(caller: Caller, product_id: str, query: AlertsQuery) -> Page[AlertOut]:
    found = alerts.list_alerts(caller.tenant, product_id, query.page_request())
    return found.over(tuple(AlertOut.of(watched) for watched in found.items))


handler = app.handler
