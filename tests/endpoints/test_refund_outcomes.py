"""What becomes of a return that does not go as planned, as docs/returns.md has it: what is refunded, where it goes, and
what the customer is told. The books are checked whenever the customer looks.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import boto3
import httpx
import pytest

from commerce.gift_cards import store as cards
from commerce.gift_cards.model import CardStatus, DeliveryState, Funding
from commerce.gift_cards.serials import printed
from commerce.kernel import clock
from commerce.kernel.money import Money
from commerce.orders.model import Order, TenderKind
from commerce.refunds import store as refunds
from commerce.returns.model import ReturnStatus
from commerce.store_credit import store as credit
from commerce.store_credit.model import Lot
from tests.conftest import all_rows
from tests.endpoints.test_customer_returns import mine, request, requested
from tests.endpoints.test_returns import MUG, SHIRT, Warehouse, found, later, refused, usd, world
from tests.invariants import check
from tests.shop import handler

__all__ = ["world"]  # the fixture

WHOLE = 3 * SHIRT + MUG
CARD, CREDIT = 3000, 2000  # of which stored value pays
AT_STRIPE = WHOLE - CARD - CREDIT


def seen(world: Warehouse, order: Order, return_id: str) -> Any:
    """What the customer sees, with the books being right at that moment."""
    check(all_rows(boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])))
    return mine(world, order, return_id)


def on_its_way_back(world: Warehouse, order: Order, *units: int, **body: Any) -> str:
    """A return that the customer asked for and the shop approved."""
    return_id = requested(world, order, *units, **body)
    world.approve(return_id)
    return return_id


def given(shown: Any) -> list[tuple[str, dict[str, Decimal]]]:
    """The status of each refund, and how much of it goes where."""
    return [(each["status"], {part["type"]: part["amount"] for part in each["parts"]}) for each in shown["refunds"]]


def close(world: Warehouse, return_id: str) -> ReturnStatus:
    return world.close(return_id).status


# What comes back, and what does not


def test_fewer_units_than_asked_for_are_refunded_and_the_others_can_be_asked_for_again(world: Warehouse) -> None:
    order = world.sell()
    shirts = order.lines[0].line_id
    return_id = on_its_way_back(world, order, 3)
    assert seen(world, order, return_id)["total_refund"] == usd(3 * SHIRT)

    world.receive(return_id, found(shirts, 2, "restock"), found(shirts, 1, "missing"))
    received = seen(world, order, return_id)
    world.refund(return_id)
    world.settle()

    assert (received["status"], received["total_refund"]) == ("received", usd(2 * SHIRT))
    refunded = seen(world, order, return_id)
    assert refunded["receipts"] == [{"order_item_id": shirts, "received": 2, "missing": 1}]
    assert given(refunded) == [("succeeded", {"external": usd(2 * SHIRT)})]
    assert close(world, return_id) is ReturnStatus.CLOSED
    again = requested(world, order, 1)
    assert seen(world, order, again)["total_refund"] == usd(SHIRT)


@pytest.mark.parametrize("disposition", ["quarantine", "discard"])
def test_damaged_units_are_refunded_and_not_sold_again(world: Warehouse, disposition: str) -> None:
    order = world.sell()
    before = world.available(world.shirt, "wh_001")
    return_id = on_its_way_back(world, order, 2)

    world.receive(return_id, found(order.lines[0].line_id, 2, disposition, condition="Torn"))
    world.refund(return_id)

    shown = seen(world, order, return_id)
    assert given(shown) == [("pending", {"external": usd(2 * SHIRT)})]
    assert "Torn" not in str(shown)
    assert world.available(world.shirt, "wh_001") == before


def test_less_is_given_for_damaged_units_with_a_reason_and_the_rest_of_it_is_kept_for_good(world: Warehouse) -> None:
    order = world.sell()
    return_id = on_its_way_back(world, order, 1)
    world.receive(return_id, found(order.lines[0].line_id, 1, "discard", condition="Torn"))

    world.refund(return_id, amount=usd(SHIRT // 2), reason="Torn when it arrived")
    world.settle()

    shown = seen(world, order, return_id)
    assert (shown["total_refund"], given(shown)) == (
        usd(SHIRT // 2),
        [("succeeded", {"external": usd(SHIRT // 2)})],
    )
    [refund] = shown["refunds"]
    assert refund["reason"] == "Torn when it arrived"
    assert refund["steps"][-1] == {"what": "lowered", "amount": usd(SHIRT // 2 - SHIRT)}
    assert refund["steps"] == world.quote(return_id)["steps"]
    assert refused(request(world, order, 3)) == (409, "exceeds_returnable")


def test_what_is_refunded_before_all_of_it_came_back_is_all_there_will_be(world: Warehouse) -> None:
    order = world.sell()
    shirts, mug = (line.line_id for line in order.lines)
    return_id = on_its_way_back(world, order, 2, 1)
    world.receive(return_id, found(shirts, 1, "restock"))
    assert seen(world, order, return_id)["status"] == "partially_received"

    world.refund(return_id)

    shown = seen(world, order, return_id)
    assert shown["total_refund"] == usd(SHIRT)
    assert {(each["order_item_id"], each["received"], each["missing"]) for each in shown["receipts"]} == {
        (shirts, 1, 1),
        (mug, 0, 1),
    }
    late = {"items": [found(mug, 1, "restock")]}
    refusal = world.try_("admin/returns/receive_return", return_id=return_id, body=late)
    assert refusal == (409, "illegal_transition")
    assert requested(world, order, 0, 1)


def test_a_parcel_that_never_arrives_ends_its_return_at_the_deadline_without_a_refund(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.sell()
    return_id = on_its_way_back(world, order, 3)
    shown = seen(world, order, return_id)
    assert clock.parse(shown["deadline"]) - clock.parse(shown["updated_at"]) == timedelta(
        days=world.tenant.returns.receipt_days
    )

    later(monkeypatch, days=world.tenant.returns.receipt_days)
    ended = handler("schedules/decide_overdue_returns").handler({}, None)["returns"]

    assert ended == {"done": 1, "failed": 0}
    shown = seen(world, order, return_id)
    assert (shown["status"], shown["ended_because"], shown["total_refund"]) == ("cancelled", "never_received", 0)
    assert (shown["refunds"], shown["rma_label_url"], shown["deadline"]) == ([], None, None)
    late = {"items": [found(order.lines[0].line_id, 3, "restock")]}
    refusal = world.try_("admin/returns/receive_return", return_id=return_id, body=late)
    assert refusal == (409, "illegal_transition")
    assert world.ask(order, 3)  # its staff may take it back all the same


def test_what_has_arrived_by_the_deadline_is_what_is_refunded(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.sell()
    shirts = order.lines[0].line_id
    return_id = on_its_way_back(world, order, 3)
    world.receive(return_id, found(shirts, 1, "restock"))

    later(monkeypatch, days=world.tenant.returns.receipt_days)
    handler("schedules/decide_overdue_returns").handler({}, None)

    shown = seen(world, order, return_id)
    assert (shown["status"], shown["total_refund"]) == ("received", usd(SHIRT))
    assert shown["receipts"] == [{"order_item_id": shirts, "received": 1, "missing": 2}]


def test_more_than_was_approved_is_not_received_and_the_surplus_needs_a_return_of_its_own(
    world: Warehouse, table: Any
) -> None:
    order = world.sell()
    shirts = order.lines[0].line_id
    return_id = on_its_way_back(world, order, 2)
    before = all_rows(table)

    counted = {"items": [found(shirts, 3, "restock")]}
    assert world.try_("admin/returns/receive_return", return_id=return_id, body=counted) == (409, "exceeds_approved")
    unasked = {"items": [found(shirts, 2, "restock"), found(order.lines[1].line_id, 1, "restock")]}
    assert world.try_("admin/returns/receive_return", return_id=return_id, body=unasked) == (422, "unknown_line")
    assert all_rows(table) == before

    surplus = on_its_way_back(world, order, 1)
    for each, units in ((return_id, 2), (surplus, 1)):
        world.receive(each, found(shirts, units, "restock"))
        world.refund(each)
        assert given(seen(world, order, each)) == [("pending", {"external": usd(units * SHIRT)})]
    assert refused(request(world, order, 1)) == (409, "exceeds_returnable")


def test_a_unit_that_a_return_has_is_in_no_other_until_that_comes_to_nothing(world: Warehouse) -> None:
    order = world.sell()
    first = requested(world, order, 3)
    assert refused(request(world, order, 1)) == (409, "exceeds_returnable")
    world.shop.do("admin/returns/reject_return", return_id=first, body={"reason": "Sale items are not taken back"})
    assert seen(world, order, first)["ended_because"] == "Sale items are not taken back"

    second = on_its_way_back(world, order, 3)
    world.receive(second, found(order.lines[0].line_id, 3, "restock"))
    world.refund(second)
    world.settle()

    assert close(world, second) is ReturnStatus.CLOSED
    assert seen(world, order, second)["status"] == "closed"
    assert refused(request(world, order, 1)) == (409, "exceeds_returnable")


# Where it goes


@dataclass
class Paid:
    """An order that was paid with a gift card, store credit and at Stripe."""

    order: Order

    @property
    def serial(self) -> str:
        [serial] = [tender.source for tender in self.order.tenders if tender.kind is TenderKind.GIFT_CARD]
        return serial

    def lot(self, world: Warehouse) -> Lot:
        [first, *_] = sorted(self.lots(world), key=lambda lot: lot.issued_at)
        return first

    def lots(self, world: Warehouse) -> list[Lot]:
        return credit.lots_of(world.tenant, self.order.buyer.customer_id)


@pytest.fixture
def mixed(world: Warehouse) -> Paid:
    order, shop = world.place(), world.shop
    issued = {"amount": usd(CARD), "ownerEmail": "jane@example.com"}
    code = shop.do("storefront/gift_cards/issue_card", body=issued)["serial"]
    lot = {
        "customer_id": world.jane.customer_id,
        "amount": usd(CREDIT),
        "reason": "goodwill",
        "expiration_date": (clock.now() + timedelta(days=5)).date().isoformat(),
    }
    shop.do("admin/store_credit/issue_store_credit", body=lot)
    tendered = {"order_id": order.order_id, "amount_to_redeem": usd(CARD), "code": code}
    shop.do("admin/gift_cards/redeem_gift_card", body=tendered)
    spent = {"customer_id": world.jane.customer_id, "order_id": order.order_id, "amount_to_redeem": usd(CREDIT)}
    shop.do("admin/store_credit/redeem_store_credit", body=spent)
    assert world.stripe.pay(shop.start_payment(order.order_id, AT_STRIPE)) == "succeeded"
    world.settle()
    shop.move(order.order_id, "shipped")
    return Paid(world.order(order.order_id))


def all_back(world: Warehouse, order: Order, method: str) -> str:
    return_id = on_its_way_back(world, order, 3, 1, refund_method=method)
    world.receive(
        return_id, *(found(line.line_id, many, "restock") for line, many in zip(order.lines, (3, 1), strict=True))
    )
    return return_id


def test_each_tender_gets_its_part_although_the_card_was_cancelled_and_the_credit_has_expired_meanwhile(
    world: Warehouse, mixed: Paid, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = mixed.order
    return_id = on_its_way_back(world, order, 3, 1)
    world.shop.do(
        "storefront/gift_cards/cancel_card", route="/storefront/giftcards/{serial}/cancel", serial=mixed.serial
    )
    later(monkeypatch, days=10)
    assert mixed.lot(world).has_expired(clock.now())

    shirts, mug = (line.line_id for line in order.lines)
    world.receive(return_id, found(shirts, 3, "restock"), found(mug, 1, "restock"))
    world.refund(return_id)

    parts = {"external": usd(AT_STRIPE), "gift_card": usd(CARD), "store_credit": usd(CREDIT)}
    assert given(seen(world, order, return_id)) == [("pending", parts)]
    ended, replacement = sorted(cards.all_of(world.tenant, None, None), key=lambda card: card.created_at)
    assert (ended.serial, ended.status, ended.balance.minor) == (mixed.serial, CardStatus.CANCELLED, 0)
    assert (replacement.status, replacement.balance.minor) == (CardStatus.ACTIVE, CARD)
    assert (replacement.owner_email, replacement.delivery) == ("jane@example.com", DeliveryState.REQUESTED)
    [lot] = mixed.lots(world)
    assert lot.remaining.minor == CREDIT
    assert lot.expires_at == clock.now() + timedelta(days=world.tenant.returns.grace_days)

    world.settle()

    assert given(seen(world, order, return_id)) == [("succeeded", parts)]
    assert close(world, return_id) is ReturnStatus.CLOSED
    after = world.order(order.order_id)
    assert (after.payment_status, after.fulfillment_status, after.refunded) == ("refunded", "returned", after.total)


def test_store_credit_instead_of_money_is_one_new_lot_whatever_had_paid(world: Warehouse, mixed: Paid) -> None:
    return_id = all_back(world, mixed.order, "store_credit")

    world.refund(return_id)

    shown = seen(world, mixed.order, return_id)
    assert (shown["refund_method"], given(shown)) == ("store_credit", [("succeeded", {"store_credit": usd(WHOLE)})])
    [spent, new] = sorted(mixed.lots(world), key=lambda lot: lot.issued_at)
    assert (spent.remaining.minor, new.remaining.minor) == (0, WHOLE)
    assert (new.reason, new.reference, new.expires_at) == ("refund", mixed.order.order_id, None)
    assert world.order(mixed.order.order_id).compensated.minor == WHOLE
    again = world.try_("v2/payments/refund_payment", id=mixed.order.payment_intent_id)
    assert again == (409, "nothing_to_refund")  # although nothing went back through it
    assert close(world, return_id) is ReturnStatus.CLOSED


def test_gift_cards_instead_of_money_are_those_that_had_paid_and_a_new_one(world: Warehouse, mixed: Paid) -> None:
    return_id = all_back(world, mixed.order, "gift_card")

    world.refund(return_id)

    shown = seen(world, mixed.order, return_id)
    [refund] = shown["refunds"]
    assert (refund["status"], refund["amount"]) == ("succeeded", usd(WHOLE))
    assert refund["parts"] == [
        {"type": "gift_card", "amount": usd(CARD)},
        {"type": "gift_card", "amount": usd(WHOLE - CARD)},
    ]
    paid, new = sorted(cards.all_of(world.tenant, None, None), key=lambda card: card.created_at)
    assert (paid.serial, paid.balance.minor) == (mixed.serial, CARD)
    assert (new.balance.minor, new.funding, new.delivery) == (WHOLE - CARD, Funding.REFUND, DeliveryState.REQUESTED)
    assert new.recipient_email == "jane@example.com"
    assert [name for card in (paid, new) for name in (card.serial, printed(card.serial)) if name in str(shown)] == []


# What the shop keeps


def test_fees_come_off_the_goods_and_the_customer_sees_which(world: Warehouse, mixed: Paid) -> None:
    world.set(restocking_percent=Decimal(15), return_shipping=Decimal("7.50"))
    return_id = on_its_way_back(world, mixed.order, 2)
    shirts = mixed.order.lines[0].line_id
    world.receive(return_id, found(shirts, 2, "restock"))
    steps = world.quote(return_id)["steps"]

    world.refund(return_id)

    assert steps == [
        {"what": f"line:{shirts}", "amount": usd(2 * SHIRT)},
        {"what": "restocking_fee", "amount": usd(-900)},
        {"what": "return_shipping", "amount": usd(-750)},
    ]
    shown = seen(world, mixed.order, return_id)
    assert shown["total_refund"] == usd(2 * SHIRT - 900 - 750)
    assert shown["refunds"][0]["steps"] == steps
    [(_, parts)] = given(shown)
    assert sum(parts.values()) == shown["total_refund"]
    shares = {"external": AT_STRIPE, "gift_card": CARD, "store_credit": CREDIT}
    for kind, share in shares.items():  # each has lost its part of the fees, to a cent
        assert abs(parts[kind] - shown["total_refund"] * share / WHOLE) < Decimal("0.01")


def test_never_more_is_kept_than_there_is(world: Warehouse) -> None:
    world.set(return_shipping=usd(MUG + 1))
    order = world.sell()
    return_id = on_its_way_back(world, order, 0, 1)
    world.receive(return_id, found(order.lines[1].line_id, 1, "restock"))

    world.refund(return_id)

    shown = seen(world, order, return_id)
    assert (shown["status"], shown["total_refund"], shown["refunds"]) == ("refunded", 0, [])
    assert world.order(order.order_id).refunded.minor == 0
    assert close(world, return_id) is ReturnStatus.CLOSED
    assert refused(request(world, order, 0, 1)) == (409, "exceeds_returnable")


# When Stripe does not give it back


def bank(world: Warehouse, order: Order, outcome: str) -> None:
    """The bank ends the last refund that Stripe was asked for."""
    *_, made = [each for each in refunds.of_order(world.tenant, order.order_id) if each.provider_id is not None]
    ended = httpx.post(f"{world.stripe.url}/_standin/refunds/{made.provider_id}/settle", json={"outcome": outcome})
    ended.raise_for_status()
    world.settle()


def test_a_refund_that_is_pending_for_an_hour_and_fails_is_given_anew_as_store_credit(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.sell(card="pm_card_pendingRefund")
    return_id = on_its_way_back(world, order, 2)
    world.receive(return_id, found(order.lines[0].line_id, 2, "restock"))
    asked = {"external": usd(2 * SHIRT)}

    world.refund(return_id)
    assert given(seen(world, order, return_id)) == [("pending", asked)]
    world.settle()  # Stripe has it now, and the bank is asked
    assert given(seen(world, order, return_id)) == [("pending", asked)]

    later(monkeypatch, hours=1)
    assert handler("schedules/resume_refunds").handler({}, None) == {"done": 0, "failed": 0}
    waiting = seen(world, order, return_id)
    assert (waiting["status"], given(waiting)) == ("refunded", [("pending", asked)])
    assert close(world, return_id) is ReturnStatus.REFUNDED
    assert world.try_("admin/returns/refund_return", return_id=return_id) == (409, "illegal_transition")

    bank(world, order, "failure")
    failed = seen(world, order, return_id)
    assert (failed["status"], given(failed)) == ("refunded", [("failed", asked)])
    assert failed["refunds"][0]["failure_reason"] == "expired_or_canceled_card"
    after = world.order(order.order_id)
    assert (after.payment_status, after.refunded.minor, after.refunding.minor) == ("paid", 0, 0)
    assert close(world, return_id) is ReturnStatus.REFUNDED

    world.refund(return_id, refund_method="store_credit")
    anew = seen(world, order, return_id)
    assert given(anew) == [("failed", asked), ("succeeded", {"store_credit": usd(2 * SHIRT)})]
    assert (anew["total_refund"], anew["refund_method"]) == (usd(2 * SHIRT), "store_credit")
    assert [each["failure_reason"] for each in anew["refunds"]] == ["expired_or_canceled_card", None]
    [lot] = credit.lots_of(world.tenant, order.buyer.customer_id)
    assert lot.remaining == Money(2 * SHIRT, "USD")
    assert close(world, return_id) is ReturnStatus.CLOSED
    assert seen(world, order, return_id)["status"] == "closed"
    assert world.order(order.order_id).refunded.minor == 2 * SHIRT


def test_only_the_part_that_failed_is_given_anew(world: Warehouse, mixed: Paid) -> None:
    return_id = all_back(world, mixed.order, "original_payment")
    world.refund(return_id)
    world.settle()
    bank(world, mixed.order, "failure")
    assert [status for status, _ in given(seen(world, mixed.order, return_id))] == ["failed"]

    world.refund(return_id)

    again = seen(world, mixed.order, return_id)
    assert given(again)[1] == ("pending", {"external": usd(AT_STRIPE)})
    assert again["total_refund"] == usd(WHOLE)
    world.settle()
    assert [status for status, _ in given(seen(world, mixed.order, return_id))] == ["failed", "succeeded"]
    assert close(world, return_id) is ReturnStatus.CLOSED
    assert world.order(mixed.order.order_id).payment_status == "refunded"


def test_a_return_whose_money_went_back_by_another_way_is_closed_without_a_second_refund(world: Warehouse) -> None:
    order = world.sell()
    return_id = on_its_way_back(world, order, 1)
    world.receive(return_id, found(order.lines[0].line_id, 1, "restock"))
    world.refund(return_id)
    world.settle()
    bank(world, order, "failure")
    world.shop.do("v2/payments/refund_payment", id=order.payment_intent_id)
    world.settle()

    world.refund(return_id)

    shown = seen(world, order, return_id)
    assert (shown["status"], shown["ended_because"]) == ("closed", "refunded_otherwise")
    assert given(shown) == [("failed", {"external": usd(SHIRT)})]
    assert world.try_("admin/returns/refund_return", return_id=return_id) == (409, "nothing_to_refund")


def test_a_refund_that_fails_after_its_return_was_closed_is_shown_and_given_anew(world: Warehouse) -> None:
    order = world.sell()
    return_id = on_its_way_back(world, order, 1)
    world.receive(return_id, found(order.lines[0].line_id, 1, "restock"))
    world.refund(return_id)
    world.settle()
    assert close(world, return_id) is ReturnStatus.CLOSED

    bank(world, order, "failure")

    shown = seen(world, order, return_id)
    assert (shown["status"], given(shown)) == ("closed", [("failed", {"external": usd(SHIRT)})])
    assert shown["refunds"][0]["failure_reason"]
    world.refund(return_id, refund_method="store_credit")
    again = seen(world, order, return_id)
    assert (again["status"], given(again)[1]) == ("closed", ("succeeded", {"store_credit": usd(SHIRT)}))
