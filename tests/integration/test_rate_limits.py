"""RL-02, RL-03, RL-04 through the deployed gateway, with the clock on the wall."""

import json
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx

from local.stack.settings import ROOT, aws_environment, child_environment
from local.stack.shop import call
from tests.integration.conftest import Running

THREADS = 4  # each is a process of the authorizer and one of the endpoint; tests/faults has sixteen in one
CALLS = 215
INTERVAL_SECONDS = 36  # of the free plan: 100 calls an hour


def open_shop(stack: Running, plan: str) -> str:
    """A new shop on a plan, as an operator opens it; its owner's key."""
    settings = ("--name", "Shop", "--currency", "USD", "--timezone", "UTC", "--country", "US", "--warehouse", "wh_001")
    names = ("--tenant", f"ten_{uuid.uuid4().hex[:12]}", "--mode", "test", "--table", stack.table_name, "--plan", plan)
    done = subprocess.run(
        [sys.executable, "-m", "local.create_tenant", *names, *settings],
        cwd=ROOT,
        env=child_environment(**aws_environment(stack.endpoint_url)),
        capture_output=True,
        text=True,
        check=True,
    )
    return str(json.loads(done.stdout)["api_key"])


def told(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers["X-RateLimit-Limit"]), int(answer.headers["X-RateLimit-Remaining"])


def test_from_rest_twice_the_free_plan_passes_over_http_and_then_429(stack: Running) -> None:
    free, starter = open_shop(stack, "free"), open_shop(stack, "starter")
    began = time.monotonic()

    def ask(_: int) -> httpx.Response:
        return call(stack.url, "GET", "/v2/products?limit=1", free)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(ask, range(CALLS)))
    refilled = int((time.monotonic() - began) / INTERVAL_SECONDS)

    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 200 <= len(passed) <= 200 + refilled
    assert len(passed) + len(refused) == CALLS
    # Each number is told once, and once more for each call that came back meanwhile. A process that read the clock
    # before another one and counted after it tells of an instant that is over: one number less.
    counted_down = [told(answer)[1] for answer in passed if told(answer)[1]]
    assert len(set(range(1, 100)) - set(counted_down)) <= THREADS
    assert 99 - THREADS <= len(counted_down) <= 99 + refilled
    assert {told(answer) for answer in refused} == {(100, 0)}
    for answer in refused:
        assert 1 <= int(answer.headers["Retry-After"]) <= INTERVAL_SECONDS
        assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert told(call(stack.url, "GET", "/v2/products?limit=1", starter)) == (1_000, 999)


def test_the_gateways_own_answers_know_no_limit_and_the_functions_do(stack: Running) -> None:
    nowhere = stack.as_owner("GET", "/v2/nowhere")
    missing = stack.as_owner("GET", "/v2/products/prod_missing")

    assert (nowhere.status_code, "X-RateLimit-Limit" in nowhere.headers) == (404, False)
    assert (missing.status_code, told(missing)[0]) == (404, 1_000_000)


def test_a_stranger_has_a_budget(stack: Running) -> None:
    query = {"order_id": f"order_{uuid.uuid4().hex}", "email": "eve@example.com"}

    answer = stack.as_anybody("GET", "/api/track-order", params=query, headers={"orgid": stack.tenant})

    assert answer.status_code == 404
    assert told(answer)[0] == 30
