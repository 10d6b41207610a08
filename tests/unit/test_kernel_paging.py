"""Cursors: opaque, signed, and good for one tenant and one query only."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel.errors import Invalid, Malformed
from commerce.kernel.paging import MAX_OFFSET_ROWS, Page, PageRequest, sign, verify

SCOPE = "T#ten_1#test\0orders:status=pending"
positions = st.dictionaries(st.sampled_from(["pk", "sk", "gsi1pk", "gsi1sk"]), st.text(max_size=60), max_size=4)


@given(positions, st.text(max_size=60))
def test_a_cursor_leads_back_to_the_position_it_was_made_for(position: dict[str, str], scope: str) -> None:
    assert verify(sign(position, scope=scope), scope=scope) == position


@given(positions, st.data())
def test_a_cursor_with_any_byte_changed_is_refused(position: dict[str, str], data: st.DataObject) -> None:
    cursor = sign(position, scope=SCOPE)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Malformed) as refusal:
        verify(base64.urlsafe_b64encode(raw).decode().rstrip("="), scope=SCOPE)
    assert refusal.value.reason == "bad_cursor"


@pytest.mark.parametrize(
    "scope",
    ["T#ten_2#test\0orders:status=pending", "T#ten_1#live\0orders:status=pending", "T#ten_1#test\0orders", ""],
    ids=["another tenant", "the other mode", "another query", "none"],
)
def test_a_cursor_of_another_tenant_mode_or_query_is_refused(scope: str) -> None:
    with pytest.raises(Malformed):
        verify(sign({"pk": "a"}, scope=SCOPE), scope=scope)


def test_a_scope_and_a_position_cannot_be_shifted_into_each_other() -> None:
    with pytest.raises(Malformed):
        verify(sign({"pk": "a"}, scope=SCOPE + "\0"), scope=SCOPE)


def test_a_cursor_of_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = sign({"pk": "a"}, scope=SCOPE)
    monkeypatch.setenv("CURSOR_KEY", "the next key")

    with pytest.raises(Malformed):
        verify(cursor, scope=SCOPE)


@given(st.text(max_size=200) | st.text(string.ascii_letters + string.digits + "-_=", max_size=200))
def test_text_that_is_no_cursor_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(Malformed):
        verify(text, scope=SCOPE)


def test_a_cursor_shows_no_signature_without_its_position() -> None:
    assert sign({"pk": "a"}, scope=SCOPE) != sign({"pk": "b"}, scope=SCOPE)
    assert sign({"pk": "a"}, scope=SCOPE) == sign({"pk": "a"}, scope=SCOPE)
    assert set(sign({"pk": "a"}, scope=SCOPE)) <= set(string.ascii_letters + string.digits + "-_")


def test_pages_and_offsets_reach_ten_thousand_rows_and_cursors_go_further() -> None:
    assert PageRequest.of_page(None, 50, None) == PageRequest(limit=50, offset=0)
    assert PageRequest.of_page(3, 50, None).offset == 100
    assert PageRequest.of_offset(MAX_OFFSET_ROWS - 50, 50).offset == MAX_OFFSET_ROWS - 50
    assert PageRequest.of_page(None, 50, "c").cursor == "c"
    with pytest.raises(Invalid) as refusal:
        PageRequest.of_offset(MAX_OFFSET_ROWS - 49, 50)
    assert refusal.value.reason == "use_cursor"


def test_a_page_number_or_an_offset_does_not_go_with_a_cursor() -> None:
    with pytest.raises(Malformed) as by_page:
        PageRequest.of_page(1, 50, "c")
    with pytest.raises(Malformed) as by_offset:
        PageRequest.of_offset(1, 50, "c")
    with pytest.raises(Malformed):
        PageRequest.of_page(1, 50, "")

    assert (by_page.value.reason, by_offset.value.reason) == ("page_and_cursor", "page_and_cursor")


def test_a_page_has_more_exactly_when_it_names_the_next_one() -> None:
    first = Page(items=(1, 2), request=PageRequest(), next_cursor="c", total=3)

    assert first.has_more
    assert first.over(("a", "b")) == Page(items=("a", "b"), request=PageRequest(), next_cursor="c", total=3)
    assert not Page(items=(), request=PageRequest()).has_more
