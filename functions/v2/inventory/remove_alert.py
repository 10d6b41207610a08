"""DELETE /v2/inventory/{product_id}/alerts/{alert_id}

A merchant removes a stock alert.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.inventory import alerts

app = V2Api()


@app.delete("/v2/inventory/{product_id}/alerts/{alert_id}", scope="inventory:write", status=204)
def remove_alert(tx: Transaction, caller: Caller, product_id: str, alert_id: str) -> None:
    alerts.remove_alert(tx, caller, product_id, alert_id)


handler = app.handler
