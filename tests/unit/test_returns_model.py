"""A return moves only as the table says, and every unit of it is accounted for once."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from commerce.kernel.errors import CommerceError, Conflict, IllegalMove, Invalid
from commerce.kernel.money import Money
from commerce.refunds.model import Method
from commerce.returns.model import FINAL, MOVES, NEVER_RECEIVED, Disposition, Receipt, Return, ReturnItem, ReturnStatus
from tests.seeds import SEED

NOW = datetime(2026, 3, 21, 9, tzinfo=UTC)


def item(line_id: str, quantity: int, reason: str = "wrong_size") -> ReturnItem:
    return ReturnItem(line_id, quantity, reason)


def a_return(*items: ReturnItem, status: ReturnStatus = ReturnStatus.APPROVED) -> Return:
    return Return(
        return_id="ret_1",
        order_id="order_1",
        customer_id="cust_1",
        rma_number="RMA-7K3M-9Q2X",
        items=items or (item("li_1", 2),),
        method=Method.ORIGINAL_PAYMENT,
        status=status,
        requested_at=NOW,
        updated_at=NOW,
        deadline=NOW,
        refund=Money(5998, "USD"),
    )


def found(line_id: str, quantity: int, disposition: Disposition = Disposition.RESTOCK) -> Receipt:
    return Receipt(line_id, quantity, disposition)


@pytest.mark.parametrize("status", ReturnStatus)
@pytest.mark.parametrize("target", ReturnStatus)
def test_a_return_moves_only_as_the_table_says(status: ReturnStatus, target: ReturnStatus) -> None:
    if target in MOVES[status]:
        assert a_return(status=status).move_to(target).status is target
    else:
        with pytest.raises(IllegalMove):
            a_return(status=status).move_to(target)


def test_every_return_can_end_and_an_ended_one_stays() -> None:
    assert {ReturnStatus.CLOSED, ReturnStatus.REJECTED, ReturnStatus.CANCELLED} == FINAL
    ends = set(FINAL)
    while more := {status for status, moves in MOVES.items() if moves & ends} - ends:
        ends |= more
    assert ends == set(ReturnStatus)


def test_one_reason_is_the_returns_and_several_are_mixed() -> None:
    assert a_return(item("li_1", 1), item("li_2", 1)).reason == "wrong_size"
    assert a_return(item("li_1", 1), item("li_2", 1, "damaged")).reason == "mixed"


def test_units_may_arrive_in_several_parcels() -> None:
    first = a_return().receive([found("li_1", 1)])
    assert (first.status, first.open_units, first.deadline) == (ReturnStatus.PARTIALLY_RECEIVED, {"li_1": 1}, NOW)
    last = first.receive([found("li_1", 1, Disposition.DISCARD)])
    assert (last.status, last.came_back, last.open_units, last.deadline) == (
        ReturnStatus.RECEIVED,
        {"li_1": 2},
        {},
        None,
    )


def test_what_did_not_come_is_missing_and_can_be_returned_again() -> None:
    closed = a_return().receive([found("li_1", 1)]).close_receipt()
    assert (closed.status, closed.came_back, closed.claimed) == (ReturnStatus.RECEIVED, {"li_1": 1}, {"li_1": 1})


def test_a_return_of_which_nothing_came_ends_and_claims_nothing() -> None:
    for ended in (a_return().close_receipt(), a_return().receive([found("li_1", 2, Disposition.MISSING)])):
        assert (ended.status, ended.ended_because, ended.claimed) == (ReturnStatus.CANCELLED, NEVER_RECEIVED, {})


def test_a_unit_that_is_missing_makes_a_return_no_partly_received_one() -> None:
    waiting = a_return().receive([found("li_1", 1, Disposition.MISSING)])
    assert (waiting.status, waiting.open_units, waiting.claimed) == (ReturnStatus.APPROVED, {"li_1": 1}, {"li_1": 1})


@pytest.mark.parametrize(
    ("receipts", "refusal", "reason"),
    [
        ([], Invalid, "empty"),
        ([found("li_9", 1)], Invalid, "unknown_line"),
        ([found("li_1", 0)], Invalid, "bad_quantity"),
        ([found("li_1", -1)], Invalid, "bad_quantity"),
        ([found("li_1", 3)], Conflict, "exceeds_approved"),
        ([found("li_1", 1), found("li_1", 2)], Conflict, "exceeds_approved"),
    ],
)
def test_what_was_not_approved_is_not_received(
    receipts: list[Receipt], refusal: type[CommerceError], reason: str
) -> None:
    with pytest.raises(refusal) as refused:
        a_return().receive(receipts)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "status", [each for each in ReturnStatus if each not in (ReturnStatus.APPROVED, ReturnStatus.PARTIALLY_RECEIVED)]
)
def test_only_an_approved_return_receives(status: ReturnStatus) -> None:
    with pytest.raises(IllegalMove):
        a_return(status=status).receive([found("li_1", 1)])


def test_whatever_arrives_in_whatever_order_each_unit_is_accounted_for_once() -> None:
    chance = random.Random(SEED)
    for _ in range(500):
        sizes = {f"li_{number}": chance.randint(1, 5) for number in range(chance.randint(1, 4))}
        moving = a_return(*[item(line_id, units) for line_id, units in sizes.items()])
        while moving.open_units:
            line_id, left = chance.choice(list(moving.open_units.items()))
            units, disposition = chance.randint(1, left + 1), chance.choice(list(Disposition))
            before = moving
            try:
                moving = moving.receive([found(line_id, units, disposition)])
            except Conflict:
                assert units == left + 1, f"seed {SEED}"
            else:
                assert moving.status in MOVES[before.status] | {before.status}, f"seed {SEED}"
        back = moving.came_back
        assert moving.status is (ReturnStatus.RECEIVED if back else ReturnStatus.CANCELLED), f"seed {SEED}"
        told: Counter[str] = Counter()
        for receipt in moving.receipts:
            told[receipt.line_id] += receipt.quantity
        assert dict(told) == sizes, f"seed {SEED}"
        assert moving.claimed == back, f"seed {SEED}"


def test_a_change_is_one_version_on() -> None:
    after = a_return().changed(NOW, sequence=1)
    assert (after.version, after.sequence) == (2, 1)
    assert replace(after, version=1, sequence=0) == a_return()
