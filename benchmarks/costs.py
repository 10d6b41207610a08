"""What the counted calls cost on AWS: each endpoint per 1,000 calls, one whole order, and one whole return."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from benchmarks import prices
from benchmarks.calls import STRIPE
from benchmarks.handlers import Measured
from commerce.http.api import PUBLIC_SCOPE
from local.generate_openapi import routes

AUTHORIZER = "authorizer/authorize_request (API key)"
# A purchase as the demo makes it: what the customer, the shop and Stripe call, and what runs behind that.
WHOLE_ORDER: tuple[tuple[str, int], ...] = (
    ("GET /v2/products (10 rows)", 2),
    ("GET /v2/products/{id}", 3),
    ("POST /cart/items", 3),
    ("GET /cart (3 items)", 2),
    ("POST /cart/checkout (Idempotency-Key)", 1),
    ("POST /admin/payments/intent", 1),
    ("POST /stripe/webhook", 2),
    ("queues/apply_stripe_event (1 payment)", 2),
    ("streams/count_rows (1 order)", 2),
    ("streams/publish_events (1 order)", 2),
    ("streams/record_audit (1 order)", 2),
    ("GET /orders/{order_id}", 1),
    ("GET /api/track-order", 1),
)
# A return as docs/returns.md tells it: asked for, approved, received, refunded with Stripe, and closed by its workflow.
WHOLE_RETURN: tuple[tuple[str, int], ...] = (
    ("POST /orders/{order_id}/returns", 1),
    ("POST /admin/returns/{return_id}/approve", 1),
    ("POST /admin/returns/{return_id}/receive", 1),
    ("GET /admin/returns/{return_id}/quote", 1),
    ("POST /admin/returns/{return_id}/refund", 1),
    ("GET /orders/{order_id}/returns/{return_id}", 1),
    ("queues/execute_refund (1 refund)", 1),
    ("POST /stripe/webhook", 2),
    ("queues/apply_stripe_event (1 payment)", 2),
    ("queues/drive_return (1 new return)", 6),
    ("workflows/return_lifecycle/wait_for_return", 4),
    ("workflows/return_lifecycle/mail_return_label", 1),
    ("workflows/return_lifecycle/refund_received_return (left to the staff)", 1),
    ("workflows/return_lifecycle/close_return", 1),
    ("streams/count_rows (1 order)", 6),
    ("streams/publish_events (1 order)", 6),
    ("streams/record_audit (1 order)", 6),
)
TRANSITIONS = 12  # of its workflow; tests/integration/test_returns.py counts them
TOLD = 7  # messages of the bus that its queues get


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars of one call, by what is charged for it."""

    gateway: Decimal = Decimal(0)
    functions: Decimal = Decimal(0)
    table: Decimal = Decimal(0)
    rest: Decimal = Decimal(0)  # queues, events, mails, logs, traces

    @property
    def total(self) -> Decimal:
        return self.gateway + self.functions + self.table + self.rest

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.gateway + other.gateway,
            self.functions + other.functions,
            self.table + other.table,
            self.rest + other.rest,
        )

    def __mul__(self, times: int) -> "Cost":
        return Cost(self.gateway * times, self.functions * times, self.table * times, self.rest * times)


def of_all(measured: Iterable[Measured]) -> dict[str, Cost]:
    """The cost of one call of each subject, by its title; a route with a credential pays for the authorizer, too.

    Nothing where the authorizer was left out of what is measured.
    """
    found = {each.subject.title: each for each in measured}
    if AUTHORIZER not in found:
        return {}
    guarded = {f"{route.method} {route.path}" for _, route, _ in routes() if route.scope != PUBLIC_SCOPE}
    public = {f"{route.method} {route.path}" for _, route, _ in routes()} - guarded
    authorizer = _function(found[AUTHORIZER])
    return {
        title: _function(each)
        + (Cost(gateway=prices.REST_CALL) if each.subject.name in guarded | public else Cost())
        + (authorizer if each.subject.name in guarded else Cost())
        for title, each in found.items()
    }


def of_order(costs: dict[str, Cost]) -> Cost:
    """One whole order, from looking around to tracking it."""
    return sum((costs[title] * times for title, times in WHOLE_ORDER), Cost())


def of_return(costs: dict[str, Cost]) -> Cost:
    """One whole return, with its workflow and the queues that drive it."""
    calls = sum((costs[title] * times for title, times in WHOLE_RETURN), Cost())
    return calls + Cost(rest=TRANSITIONS * prices.STATE_TRANSITION + TOLD * 3 * prices.QUEUE_CALL)


def counted_of_return(measured: Iterable[Measured]) -> str:
    """What one whole return comes to, in counts."""
    found = {each.subject.title: each for each in measured}
    runs = [(found[title], times) for title, times in WHOLE_RETURN]
    asked = {f"{route.method} {route.path}" for _, route, _ in routes() if route.scope != PUBLIC_SCOPE}
    guarded = sum(times for each, times in runs if each.subject.name in asked)
    functions = sum(times for _, times in runs) + guarded
    writes = sum(each.calls.write_units * times for each, times in runs) + guarded  # which count the caller's calls
    reads = sum(each.calls.read_units * times for each, times in runs) + guarded
    return (
        f"One whole return: {TRANSITIONS} state transitions, {functions} function runs ({guarded} of them the "
        f"authorizer's), {writes:g} write units, {reads:g} read units."
    )


def _function(measured: Measured) -> Cost:
    """One run of a function, and what it calls."""
    calls = measured.calls
    other = sum(calls.made.values()) - calls.reads - calls.writes - calls.made[STRIPE]
    waits = (
        calls.reads * prices.WAITS["read"]
        + calls.writes * prices.WAITS["write"]
        + calls.made[STRIPE] * prices.WAITS["stripe"]
        + other * prices.WAITS["other"]
    )
    seconds = Decimal(waits + prices.OWN_MILLISECONDS) / 1000
    return Cost(
        functions=prices.FUNCTION_CALL + seconds * prices.MEMORY_GIGABYTES * prices.GIGABYTE_SECOND,
        table=Decimal(str(calls.read_units)) * prices.READ_UNIT + Decimal(str(calls.write_units)) * prices.WRITE_UNIT,
        rest=calls.made["SendMessage"] * 3 * prices.QUEUE_CALL
        + calls.made["PutEvents"] * prices.BUS_EVENT
        + calls.made["SendEmail"] * prices.MAIL
        + prices.LOG_BYTES * prices.LOG_BYTE
        + prices.TRACED_SHARE * prices.TRACE,
    )


def as_markdown(costs: dict[str, Cost]) -> str:
    """The README's table: US dollars per 1,000 calls, the dearest first, an order and a return."""
    heads = ("1,000 calls of", "API", "functions", "table", "rest", "US$")
    rows = sorted(costs.items(), key=lambda each: -each[1].total)
    lines = [_line(heads), "|---|--:|--:|--:|--:|--:|", *(_row(f"`{title}`", cost * 1000) for title, cost in rows)]
    order = of_order(costs)
    lines += [_row("**1,000 whole orders**", order * 1000), _row("**1,000 whole returns**", of_return(costs) * 1000)]
    return "\n".join(lines)


def _row(name: str, cost: Cost) -> str:
    return _line((name, *(f"{each:.4f}" for each in (cost.gateway, cost.functions, cost.table, cost.rest, cost.total))))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
