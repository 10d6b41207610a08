"""What Stripe is told of a delivery (contract PY-02)."""

from commerce.http.contracts import Output


class EventReceived(Output):
    received: bool
