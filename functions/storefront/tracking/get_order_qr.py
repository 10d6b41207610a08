"""GET /orders/{order_id}/qr

A customer, or the staff, gets a QR code that leads to where an order is.

The link in the code is signed, works for 30 days without a credential, and shows what tracking by id and e-mail
shows; it holds no e-mail address.
"""

from commerce.http.api import Caller, SharedPortalApi
from commerce.orders.contracts import TrackingCodeOut
from commerce.orders.tracking_codes import tracking_code

app = SharedPortalApi()


@app.get("/orders/{order_id}/qr", scope="my_orders", merchants_scope="orders:read")
def get_order_qr(caller: Caller, order_id: str, base_url: str) -> TrackingCodeOut:
    return TrackingCodeOut.of(tracking_code(caller, order_id, base_url))


handler = app.handler
