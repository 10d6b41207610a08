"""``If-Match`` on every change: kept where the route can keep it, refused where it cannot."""

import re

import pytest

from tests.matrix.good_requests import GOOD, KEYED, Good, Sent, name_of
from tests.matrix.world import Stage, World

VERSIONED = [good for good in KEYED if good.takes_version]
OTHERS = [good for good in KEYED if not good.takes_version]


def _tag(good: Good, world: World, sent: Sent) -> str:
    """What a client has that has just read what it wants to change."""
    reader = GOOD[good.version_from]
    parameters = re.findall(r"\{(\w+)\}", good.name)
    named = {name: sent.get(name, sent[parameters[0]]) for name in re.findall(r"\{(\w+)\}", reader.name)}
    read = reader.send(world, named)
    if reader.endpoint.route.answers_list:
        return str(read.body["data"][0]["version"])
    assert re.match(r'"\d+-', read.headers["ETag"]), "the tag names no version"
    return read.headers["ETag"]


@pytest.mark.parametrize("good", VERSIONED, ids=name_of)
def test_a_change_of_what_has_changed_since_it_was_read_is_refused(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        before = stage.rows()

        for expected in ('"999"', "999", 'W/"998-0123abcd"'):
            answered = good.send(world, sent, If_Match=expected)

            assert answered.status == 409, f"{expected}: {answered.text}"
            assert good.endpoint.error_in(answered.body)["code"] == "conflict"
            assert good.endpoint.error_in(answered.body)["details"][0]["code"] == "version_mismatch"
        assert good.send(world, sent, If_Match="yesterday's").status == 400
        assert stage.rows() == before


@pytest.mark.parametrize("good", VERSIONED, ids=name_of)
def test_a_change_of_what_was_just_read_is_done_once(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        tag = _tag(good, world, sent)

        assert good.send(world, sent, If_Match=tag).status == good.status
        once = stage.rows()
        again = good.send(world, sent, If_Match=tag)

        # What is gone is not found; what asks for no more than there is already is content (RFC 9110, section 13.1.1).
        assert again.status in (404, 409, good.status), again.text
        if again.status == 409:
            assert good.endpoint.error_in(again.body)["details"][0]["code"] == "version_mismatch"
        assert stage.rows() == once


@pytest.mark.parametrize("good", VERSIONED, ids=name_of)
def test_any_version_is_a_version(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        assert good.send(world, good.given(world), If_Match="*").status == good.status


@pytest.mark.parametrize("good", OTHERS, ids=name_of)
def test_a_route_that_cannot_keep_the_promise_says_so(good: Good, stage: Stage) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        before = stage.rows()

        for expected in ('"1"', "*"):
            answered = good.send(world, sent, If_Match=expected)

            assert answered.status == 400, answered.text
            assert good.endpoint.error_in(answered.body)["details"][0]["field"] == "If-Match"
        assert stage.rows() == before
