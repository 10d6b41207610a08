"""``X-Dry-Run: true`` on every change: nothing is written anywhere, and the real call then does as told."""

from typing import Any

import pytest

from tests.faults.kill import Door, watching
from tests.matrix.good_requests import KEYED, Good, Sent, name_of
from tests.matrix.world import Stage, World, without_chance
from tests.shop import Answered

KEY = "the-same-key"
# What has no effect, and DynamoDB's judgement of a transaction that never succeeds. Stripe is read, at most.
HARMLESS = (
    *(f"DynamoDB_20120810.{call}" for call in ("GetItem", "BatchGetItem", "Query", "TransactWriteItems")),
    "secretsmanager.GetSecretValue",
    "GET /v1/",
)

COUNTED = "DynamoDB_20120810.UpdateItem"  # a stranger's call, whatever comes of it


def _rehearse(good: Good, stage: Stage, world: World, sent: Sent, **headers: str) -> Answered:
    """A dry run, which must leave no trace anywhere."""
    before, intents = stage.rows(), stage.stripe.intents()

    with watching(Door()) as door:
        answered = good.send(world, sent, X_Dry_Run="true", **headers)

    assert stage.rows() == before, "a dry run wrote"
    assert stage.stripe.intents() == intents
    harmless = (*HARMLESS, COUNTED) if good.is_public else HARMLESS
    assert all(call.startswith(harmless) for call in door.calls), f"a dry run called {door.calls}"
    return answered


def _report(good: Good, answered: Answered) -> Any:
    assert answered.status == 200, answered.text
    assert answered.headers["X-Dry-Run"] == "true"
    return answered.body if good.is_bare else answered.body["data"]


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_a_dry_run_writes_nothing_and_tells_what_the_call_will_do(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)

        report = _report(good, _rehearse(good, stage, world, sent, Idempotency_Key=KEY))
        done = good.send(world, sent, Idempotency_Key=KEY)

        assert report["dry_run"] is True
        assert (done.status, report["status"]) == (good.status, good.status)
        assert "Idempotent-Replayed" not in done.headers, "the dry run used the key"
        assert report["writes"] or report["stopped_before"]
        if report["answer"] is not None:
            shown = done.body if good.is_bare else done.body.get("data")
            told = report["answer"] if good.is_bare else report["answer"].get("data")
            assert without_chance(str(told)) == without_chance(str(shown))


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_a_dry_run_refuses_what_the_call_would(good: Good, stage: Stage) -> None:
    """The second time many requests are refused, some only by a condition that DynamoDB judges."""
    with stage.anew() as world:
        sent = good.given(world)
        good.send(world, sent)

        foretold = _rehearse(good, stage, world, sent)
        second = good.send(world, sent)

        if second.status >= 400:
            assert (foretold.status, foretold.text) == (second.status, second.text)
        else:
            assert _report(good, foretold)["status"] == second.status


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_a_dry_run_is_asked_for_with_true_or_false(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        before = stage.rows()

        answered = good.send(world, sent, X_Dry_Run="maybe")

        assert (answered.status, good.endpoint.error_in(answered.body)["details"][0]["field"]) == (400, "X-Dry-Run")
        assert stage.rows() == before
        assert good.send(world, sent, X_Dry_Run="false").status == good.status
