"""A stand-in per session, emptied before each test, and a receiver for its webhooks. Loopback only."""

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from local.stripe_standin.server import Running, serve

SECRET = "whsec_standin_tests"

type MakeClient = Callable[..., stripe.StripeClient]


@dataclass
class Receiver:
    """A webhook endpoint that keeps what it is sent and answers as told."""

    url: str = ""
    secret: str = SECRET
    received: list[tuple[bytes, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def events(self) -> list[stripe.Event]:
        """Give the events received, each verified."""
        return [stripe.Webhook.construct_event(body, header, self.secret) for body, header in self.received]

    def types(self) -> list[str]:
        """Give the types of the events received, in order."""
        return [event.type for event in self.events()]


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    with serve() as standin:
        yield standin


@pytest.fixture
def control(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{running.url}/_standin", timeout=20) as client:
        client.post("/reset").raise_for_status()
        running.standin.webhooks.endpoints.clear()
        yield client
        client.delete("/faults")


@pytest.fixture
def make_client(running: Running, control: httpx.Client) -> MakeClient:
    def make(key: str = "sk_test_till", *, retries: int = 0, timeout: float = 20) -> stripe.StripeClient:
        return stripe.StripeClient(
            key,
            base_addresses={"api": running.url},
            max_network_retries=retries,
            http_client=stripe.RequestsClient(timeout=timeout),
        )

    return make


@pytest.fixture
def client(make_client: MakeClient) -> stripe.StripeClient:
    return make_client()


@pytest.fixture
def pay(client: stripe.StripeClient) -> Callable[..., stripe.PaymentIntent]:
    """Create and confirm a payment by card in one call."""

    def create(
        amount: int = 2000, currency: str = "usd", card: str = "pm_card_visa", **more: Any
    ) -> stripe.PaymentIntent:
        params = {
            "amount": amount,
            "currency": currency,
            "payment_method": card,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        return client.v1.payment_intents.create(params | more)

    return create


@pytest.fixture
def receiver(control: httpx.Client) -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.received.append((body, self.headers["Stripe-Signature"]))
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    control.put("/webhook", json={"url": kept.url, "secret": SECRET}).raise_for_status()
    yield kept
    control.post("/webhooks/drain")
    control.put("/webhook", json={"url": kept.url, "secret": SECRET, "enabled": False}).raise_for_status()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def drain(control: httpx.Client) -> Callable[[], dict[str, Any]]:
    """Wait until every delivery has ended."""

    def wait() -> dict[str, Any]:
        answer = control.post("/webhooks/drain", json={"timeout_seconds": 15}).json()
        assert answer["drained"], answer
        return dict(answer)

    return wait


@pytest.fixture
def books(control: httpx.Client) -> Callable[[str], dict[str, Any]]:
    """Give what the stand-in's books say of one payment intent."""

    def read(intent_id: str) -> dict[str, Any]:
        accounts = control.get("/state").json()["accounts"]
        return next(account["intents"][intent_id] for account in accounts if intent_id in account["intents"])

    return read


@dataclass
class Time:
    """The stand-in's clock, stopped, so that amounts come out the same however fast a test runs."""

    control: httpx.Client

    def at(self, moment: str) -> int:
        """Stop the clock at an ISO moment in UTC, running what falls due on the way; give it in seconds."""
        seconds = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
        return self.to(seconds)

    def to(self, seconds: int) -> int:
        """Stop the clock at a moment in seconds since the epoch."""
        answer = self.control.post("/clock", json={"advance_to": seconds, "frozen": True})
        assert answer.status_code == 200, answer.text
        assert answer.json()["now"] == seconds
        return seconds

    def by(self, *, days: float = 0, hours: float = 0) -> int:
        """Move the stopped clock on."""
        now = self.control.get("/health").json()["now"]
        return self.to(now + int(days * 86400 + hours * 3600))


@pytest.fixture
def time(control: httpx.Client) -> Time:
    clock = Time(control)
    clock.at("2031-01-01T00:00:00")
    return clock


@pytest.fixture
def price(client: stripe.StripeClient) -> Callable[..., stripe.Price]:
    """Make a recurring price, 10.00 a month unless told otherwise."""

    def make(unit_amount: int | None = 1000, currency: str = "usd", interval: str = "month", **more: Any) -> Any:
        params: dict[str, Any] = {"currency": currency, "recurring": {"interval": interval}}
        params["product_data"] = {"name": "Gold"}
        if unit_amount is not None:
            params["unit_amount"] = unit_amount
        return client.v1.prices.create(params | more)

    return make


@pytest.fixture
def customer(client: stripe.StripeClient) -> Callable[..., stripe.Customer]:
    """Make a customer who pays by a card unless it is None."""

    def make(card: str | None = "pm_card_visa") -> Any:
        made = client.v1.customers.create({"email": "ada@shop.example", "name": "Ada"})
        if card is None:
            return made
        method = client.v1.payment_methods.attach(card, {"customer": made.id})
        settings = {"default_payment_method": method.id}
        return client.v1.customers.update(made.id, {"invoice_settings": settings})

    return make


@pytest.fixture
def subscribe(
    client: stripe.StripeClient, price: Callable[..., Any], customer: Callable[..., Any]
) -> Callable[..., stripe.Subscription]:
    """Subscribe a new customer to a new price of 10.00 a month, or to what is named."""

    def make(*, card: str | None = "pm_card_visa", unit_amount: int = 1000, **more: Any) -> Any:
        params = {"items": [{"price": price(unit_amount).id}]} if "items" not in more else {}
        params["customer"] = more.pop("customer", None) or customer(card).id
        return client.v1.subscriptions.create(params | more)

    return make


@pytest.fixture
def told(control: httpx.Client) -> Callable[..., list[str]]:
    """Give the types of all events so far, in order, of the kinds named by their beginnings."""

    def read(*kinds: str) -> list[str]:
        types = [event["type"] for event in control.get("/events").json()["events"]]
        return [name for name in types if name.startswith(kinds)] if kinds else types

    return read


@pytest.fixture
def latest(control: httpx.Client) -> Callable[[str], dict[str, Any]]:
    """Give the last event of a type."""

    def read(event_type: str) -> dict[str, Any]:
        found = [event for event in control.get("/events").json()["events"] if event["type"] == event_type]
        return dict(found[-1])

    return read
