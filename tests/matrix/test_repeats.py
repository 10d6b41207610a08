"""``Idempotency-Key`` on every change: a repeat is answered alike, and has no effect."""

from contextlib import suppress
from typing import Any

import pytest

from tests.faults.kill import Door, Killed, watching
from tests.matrix.good_requests import KEYED, Good, name_of
from tests.matrix.world import Stage

KEY = "the-same-key"


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_a_repeat_is_answered_byte_for_byte_and_has_no_effect(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        first = good.send(world, sent, Idempotency_Key=KEY)
        after, intents = stage.rows(), stage.stripe.intents()

        for _ in range(2):
            again = good.send(world, sent, Idempotency_Key=KEY)

            assert (again.status, again.text) == (good.status, first.text)
            assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert (stage.rows(), stage.stripe.intents()) == (after, intents)


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_the_key_of_another_request_is_refused_and_has_no_effect(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        other: dict[str, Any] = good.given(world) if "body" in sent else {**sent, "body": {}}
        assert other != sent
        good.send(world, sent, Idempotency_Key=KEY)
        after, intents = stage.rows(), stage.stripe.intents()

        refused = good.send(world, other, Idempotency_Key=KEY)

        assert refused.status == 409, refused.text
        assert good.endpoint.error_in(refused.body)["details"][0]["code"] == "idempotency_mismatch"
        assert (stage.rows(), stage.stripe.intents()) == (after, intents)


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_a_repeat_of_what_is_under_way_is_told_when_to_come_back(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        before = stage.effect()
        # The key is claimed, and no more. Before that strangers are counted, three calls, and others' misses, one.
        with suppress(Killed), watching(Door(strike_at=4 if good.is_public else 2 if good.guesses else 1)):
            good.send(world, sent, Idempotency_Key=KEY)

        refused = good.send(world, sent, Idempotency_Key=KEY)

        assert refused.status == 409, refused.text
        assert good.endpoint.error_in(refused.body)["details"][0]["code"] == "idempotency_in_flight"
        assert 1 <= int(refused.headers["Retry-After"]) <= 30
        stage.effect().require(before)


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_the_same_key_of_somebody_else_is_another_key(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        good.send(world, good.given(world), Idempotency_Key=KEY)
        elsewhere = stage.worlds.elsewhere

        answered = good.send(elsewhere, good.given(elsewhere), Idempotency_Key=KEY)

        assert answered.status == good.status
        assert "Idempotent-Replayed" not in answered.headers
