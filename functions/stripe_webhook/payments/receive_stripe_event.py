"""POST /stripe/webhook

Stripe delivers an event.

The signature is verified on the raw bytes, the event is stored once and queued, and only then is Stripe told that it
was received: what dies before that is delivered again.
"""

from commerce.http.api import PUBLIC_SCOPE, PublicApi, Raw
from commerce.payments import queue, store, stripe_gateway
from commerce.payments.deliveries import EventReceived

app = PublicApi()


@app.post("/stripe/webhook", scope=PUBLIC_SCOPE, tenant_header=False)
def receive_stripe_event(raw: Raw) -> EventReceived:
    event = stripe_gateway.read_event(raw.body, raw.headers.get("stripe-signature", ""))
    if store.receive(event):
        queue.send(event.event_id)
    return EventReceived(received=True)


handler = app.handler
