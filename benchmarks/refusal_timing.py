"""Can a stranger tell by the clock why a gift card was refused? ``python -m benchmarks.refusal_timing``

An unknown serial, a wrong PIN, a suspended and an expired card are asked for in turn, each serial once, so that what
slows the machine down slows all of them. The exit code is 1 where an answer differs, or where the medians of what an
endpoint takes lie further apart than they may.
"""

import argparse
import gc
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "common"))

import boto3
from moto import mock_aws

from benchmarks.shop import ENVIRONMENT
from commerce.gift_cards import lifecycle, serials
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel import clock
from commerce.kernel.money import Money
from commerce.observability import logger
from commerce.table.rows import Row
from commerce.table.transaction import run
from tests.cheap_moto import cheap_moto
from tests.contract.shops import Shop
from tests.shop import MERCHANT, TENANT, Answered, Call
from tests.template import table_definition

CALLS = 1_000  # of each kind
APART = 0.05
START = datetime(2026, 3, 20, 12, tzinfo=UTC)
WRONG_PIN = "000000"
KINDS = ("unknown serial", "wrong PIN", "suspended", "expired")

type Shown = tuple[str, str]  # serial and PIN
type Ask = Callable[[Call, Shown, str], Answered]


@dataclass
class Measured:
    """What an endpoint took, in seconds, and what it said, by the kind of refusal."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    answers: set[tuple[int, str, str]] = field(default_factory=set)

    @property
    def medians(self) -> dict[str, float]:
        return {kind: statistics.median(taken) for kind, taken in self.seconds.items()}

    @property
    def apart(self) -> float:
        """How much longer the slowest kind takes than the fastest."""
        return max(self.medians.values()) / min(self.medians.values()) - 1


def balance(call: Call, shown: Shown, address: str) -> Answered:
    query = {"serial": shown[0], "pin": shown[1]}
    headers = {"orgid": TENANT.tenant_id}
    route = "/storefront/giftcards/balance"
    return call("storefront/gift_cards/check_balance", route=route, query=query, headers=headers, source_ip=address)


def redeem(call: Call, shown: Shown, address: str) -> Answered:
    body = {"serial": shown[0], "pin": shown[1], "cartId": "cart_of_somebody", "amount": 5}
    headers = {"orgid": TENANT.tenant_id}
    route = "/storefront/giftcards/redeem"
    return call("storefront/gift_cards/redeem_card", route=route, body=body, headers=headers, source_ip=address)


ENDPOINTS: dict[str, Ask] = {"balance": balance, "redeem": redeem}


def main() -> int:
    """Measure, print, and give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.refusal_timing", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--calls", type=int, default=CALLS, help=f"of each kind and endpoint (default {CALLS})")
    calls = parser.parse_args().calls
    logger.setLevel("ERROR")
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
    failures = 0
    for name, ask in ENDPOINTS.items():
        with shop() as call:
            measured = measure(call, ask, calls)
        if measured.apart > APART:  # once more before it counts: the machine has other things to do
            with shop() as call:
                measured = measure(call, ask, calls)
        shown = ", ".join(f"{kind} {1000 * median:.3f} ms" for kind, median in measured.medians.items())
        alike = len(measured.answers) == 1
        print(f"{name}: medians over {calls} calls each: {shown}; {measured.apart:.1%} apart; ", end="")
        print("one answer to all" if alike else f"{len(measured.answers)} different answers", flush=True)
        failures += measured.apart > APART or not alike
    return int(failures > 0)


@contextmanager
def shop() -> Iterator[Call]:
    """An open shop on moto."""
    with patch.dict(os.environ, ENVIRONMENT), mock_aws(), cheap_moto():
        boto3.client("dynamodb").create_table(TableName=os.environ["TABLE_NAME"], **table_definition())
        Row._connection = None
        call = Call()
        Shop(call).open()
        yield call
    Row._connection = None


def measure(call: Call, ask: Ask, calls: int) -> Measured:
    """Ask for every card once, the kinds in an order of chance."""
    with clock.use(lambda: START):
        shown = {kind: [card(kind) for _ in range(calls)] for kind in KINDS}
    measured, rng = Measured(), random.Random(0)
    with clock.use(lambda: START + timedelta(days=2)):
        for each in ENDPOINTS.values():  # warm
            each(call, (serials.new(), WRONG_PIN), "198.51.100.1")
        gc.disable()
        for number in range(calls):
            for kind in rng.sample(KINDS, len(KINDS)):
                address = f"10.{KINDS.index(kind)}.{number // 256}.{number % 256}"
                before = time.perf_counter()
                answered = ask(call, shown[kind][number], address)
                measured.seconds[kind].append(time.perf_counter() - before)
                measured.answers.add((answered.status, answered.text, str(sorted(answered.headers.items()))))
            gc.collect(0)
        gc.enable()
    return measured


def card(kind: str) -> Shown:
    """A serial that is refused for this reason, and the PIN that goes with it."""
    if kind == "unknown serial":
        return serials.new(), WRONG_PIN
    last_day = START.date() if kind == "expired" else None
    wanted = IssueCard(Money(2_500, "USD"), expires_on=last_day)
    issued: Any = run(lambda tx: issue(tx, MERCHANT, wanted))
    if kind == "suspended":
        run(lambda tx: lifecycle.suspend(tx, MERCHANT, issued.card.serial))
    return issued.card.serial, WRONG_PIN if kind == "wrong PIN" else issued.pin


if __name__ == "__main__":
    sys.exit(main())
