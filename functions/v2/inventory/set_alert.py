"""POST /v2/inventory/{product_id}/alerts

A merchant sets the level below which stock of a product counts as low.

There is one alert at most for a variant or all of them, in a warehouse or all of them; setting it again replaces it.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.inventory import alerts
from commerce.inventory.alert_contracts import AlertIn, AlertOut

app = V2Api()


@app.post("/v2/inventory/{product_id}/alerts", scope="inventory:write", status=201)
def set_alert(tx: Transaction, caller: Caller, product_id: str, body: AlertIn) -> AlertOut:
    return AlertOut.of(alerts.set_alert(tx, caller, body.to_command(product_id)))


handler = app.handler
