"""Every change of the API: killed before and after each AWS and Stripe call, its answers lost, sent 16 times at once.

Each good request first runs undisturbed, once and twice, which tells what it does. What is left by a death must be
nothing or all of it, never a part; and a retry must then do what the first or the second request does. With an
Idempotency-Key there is no second.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.endpoint
import pytest
import stripe

from commerce.payments import stripe_gateway
from tests.faults.kill import AnswerLost, Door, Killed, watching
from tests.faults.racing import RACERS, Racers
from tests.matrix.good_requests import CHANGES, KEYED, Good, Sent, name_of
from tests.matrix.world import Effect, Stage, World, without_chance
from tests.shop import Answered

KEY = {"Idempotency_Key": "the-same-key"}
RETRIES = 3


@pytest.fixture(scope="module")
def stage(emulator: Any) -> Iterator[Stage]:
    with Stage.set_up() as stage:
        yield stage


class Dying:
    """A Lambda context at its end: the lease of the attempt is over when its caller retries."""

    def get_remaining_time_in_millis(self) -> int:
        return 1


@dataclass(frozen=True)
class Undisturbed:
    """What a good request does when nothing happens to it."""

    calls: list[str]
    before: Effect
    answers: list[Answered]  # to the first and to the second
    effects: list[Effect]

    @classmethod
    def watch(cls, good: Good, stage: Stage, key: dict[str, str]) -> "Undisturbed":
        with stage.anew() as world:
            sent, before, answers, effects = good.given(world), stage.effect(), [], []
            door = Door()
            with _attempt(door):
                answers.append(good.send(world, sent, **key))
            effects.append(stage.effect())
            answers.append(good.send(world, sent, **key))
            effects.append(stage.effect())
        assert answers[0].status == good.status, answers[0].text
        return cls(door.calls, before, answers, effects)

    def require(self, left: Effect, last: Answered, final: Effect, *, once: bool) -> None:
        """Raise AssertionError unless ``left`` is nothing or all, and the end is that of a first or second request."""
        # Stripe may know of something that we never heard of; what is ours is whole.
        if left.rows not in (self.before.rows, self.effects[0].rows):
            raise AssertionError(f"half done:\n{left - self.before}")
        again = left.rows == self.effects[0].rows and left.rows != self.before.rows and not once
        expected = int(again)
        assert last.status == self.answers[expected].status, last.text
        assert without_chance(last.text) == without_chance(self.answers[expected].text)
        final.require(self.effects[expected])


@contextmanager
def _attempt(door: Door) -> Iterator[None]:
    """One try, in a process that has just started; nobody waits before sending again."""
    stripe_gateway._secrets.clear()
    at_once = SimpleNamespace(sleep=lambda _: None)
    with (
        mock.patch.object(botocore.endpoint, "time", at_once),
        mock.patch.multiple(stripe.HTTPClient, INITIAL_DELAY=0, MAX_DELAY=0),
        watching(door),
    ):
        yield


def _disturb(good: Good, stage: Stage, known: Undisturbed, door: Door, key: dict[str, str]) -> None:
    """Send with ``door`` in the way, retry without it, and compare the end."""
    with stage.anew() as world:
        sent = good.given(world)
        answered: Answered | None = None
        with suppress(Killed), _attempt(door):
            answered = good.send(world, sent, context=Dying(), **key)
        assert len(door.calls) > (door.strike_at or 0), "the call that was to be struck never came"
        left = stage.effect()
        heard = answered is not None and answered.status == good.status
        last = answered if heard else _retry(good, world, sent, key)
        assert last is not None
        known.require(left, last, stage.effect(), once=bool(key) or heard)
        stage.require_invariants()


def _retry(good: Good, world: World, sent: Sent, key: dict[str, str]) -> Answered:
    for _ in range(RETRIES):
        answered = good.send(world, sent, context=Dying(), **key)
        if answered.status < 500:
            break
    return answered


def _keys(good: Good) -> list[dict[str, str]]:
    return [{}, KEY] if good.is_keyed else [{}]


type Note = Callable[[str, Any], None]


@pytest.mark.parametrize("good", CHANGES, ids=name_of)
def test_a_killed_change_is_done_wholly_or_not_at_all(good: Good, stage: Stage, record_property: Note) -> None:
    survived: Counter[str] = Counter()
    for key in _keys(good):
        known = Undisturbed.watch(good, stage, key)
        for number in range(len(known.calls)):
            for after in (False, True):
                door = Door(strike_at=number, after=after)
                with _telling(door, key):
                    _disturb(good, stage, known, door, key)
                survived["with a key" if key else "without"] += 1
    record_property("deaths survived", dict(survived))


@pytest.mark.parametrize("good", CHANGES, ids=name_of)
def test_a_change_whose_answers_are_lost_is_done_once(good: Good, stage: Stage, record_property: Note) -> None:
    survived: Counter[str] = Counter()
    for key in _keys(good):
        known = Undisturbed.watch(good, stage, key)
        for number in range(len(known.calls)):
            door = Door(strike_at=number, after=True, error=AnswerLost)
            with _telling(door, key):
                _disturb(good, stage, known, door, key)
            survived["with a key" if key else "without"] += 1
    record_property("lost answers survived", dict(survived))


@contextmanager
def _telling(door: Door, key: dict[str, str]) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        number = door.strike_at or 0
        struck = door.calls[number] if number < len(door.calls) else "a call that never came"
        where = f"{'after' if door.after else 'before'} call {number} ({struck}) {'with' if key else 'without'} a key"
        raise AssertionError(f"{where}: {error}") from error


@pytest.fixture(scope="module")
def racers(stage: Stage) -> Iterator[Racers]:
    racers = Racers()
    yield racers
    racers.close()


@pytest.mark.parametrize("good", KEYED, ids=name_of)
def test_a_change_that_is_sent_16_times_at_once_with_one_key_has_one_effect(
    good: Good, stage: Stage, racers: Racers, record_property: Note
) -> None:
    known = Undisturbed.watch(good, stage, KEY)
    with stage.anew() as world:
        shop = {"orgid": world.shop.tenant.tenant_id} if good.is_public else {}
        headers = {"Idempotency-Key": KEY["Idempotency_Key"], **shop}
        answers = racers.race(good.name, world, good.given(world), **headers)

        done = [each for each in answers if each.status == good.status]
        waiting = [each for each in answers if each.status == 409]
        assert len(done) + len(waiting) == RACERS, [each.text for each in answers if each not in done + waiting]
        assert {each.text for each in done} == {done[0].text}
        assert ["Idempotent-Replayed" in each.headers for each in done].count(False) == 1
        for each in waiting:
            assert good.endpoint.error_in(each.body)["details"][0]["code"] == "idempotency_in_flight"
            assert int(each.headers["Retry-After"]) >= 1
        stage.effect().require(known.effects[0])
        stage.require_invariants()
        told = {"done": 1, "replayed": len(done) - 1, "told to wait": len(waiting)}
        record_property("answers to 16 at once", told)
