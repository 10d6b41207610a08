"""Every read answers with a tag, which tells whether it changed, and says who may keep it for how long."""

import pytest

from tests.matrix.good_requests import CATALOGUE, CUSTOMER, GOOD, READS, STATIC, Good, name_of
from tests.matrix.world import World

PAGES = [good for good in READS if good.status == 200]
TAGGED = [good for good in PAGES if good.cache != STATIC]


@pytest.mark.parametrize("good", PAGES, ids=name_of)
def test_a_reader_who_has_the_answer_is_told_so_in_few_bytes(good: Good, world: World) -> None:
    sent = good.given(world)
    first = good.send(world, sent)
    tag = first.headers["ETag"]

    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = good.send(world, sent, If_None_Match=known)

        assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag), known
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
        assert again.headers.get("Vary") == first.headers.get("Vary")
    other = good.send(world, sent, If_None_Match='"other"')
    assert (other.status, other.text) == (first.status, first.text)


@pytest.mark.parametrize("good", TAGGED, ids=name_of)
def test_a_change_of_what_is_read_changes_its_tag(good: Good, world: World) -> None:
    sent = good.given(world)
    first = good.send(world, sent)

    if callable(good.changed_by):
        good.changed_by(world)
    else:
        GOOD[good.changed_by].do(world)

    again = good.send(world, sent, If_None_Match=first.headers["ETag"])
    assert again.status == 200, f"{again.status} {first.text}"
    assert again.headers["ETag"] != first.headers["ETag"]
    assert again.text != first.text


@pytest.mark.parametrize("good", TAGGED, ids=name_of)
def test_only_the_catalogue_and_customers_may_be_kept_and_only_by_who_asked(good: Good, world: World) -> None:
    cache = good.do(world).headers["Cache-Control"]

    assert cache == good.cache
    if cache in (CATALOGUE, CUSTOMER):
        private, seconds = cache.split(", max-age=")
        shortest, longest = (300, 900) if "/products" in good.name else (60, 300)
        assert private == "private"
        assert shortest <= int(seconds) <= longest


def test_what_is_kept_is_kept_for_this_credential_shop_and_locale_alone(world: World) -> None:
    for good in TAGGED:
        vary = good.do(world).headers["Vary"]

        for header in ("Authorization", "X-Tenant-ID", "orgid", "Accept-Language", "X-Currency", "X-Timezone"):
            assert header in vary, good.name
