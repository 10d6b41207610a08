"""The checker that runs at the end of every test that moves money or stock.

It takes all rows of the table, as boto3 gives them, and raises on the first figure that does not add up.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tests import books, returns

COLLECTED = {"paid", "partially_refunded", "refunded"}

# The only ways an order may move (contract 7), written down here once more: the code's own tables are what is tested.
MOVES = {
    "pending_payment": {"pending", "cancelled"},
    "pending": {"processing", "shipped", "cancelled"},
    "processing": {"shipped", "cancelled"},
    "shipped": {"delivered"},
    "delivered": set(),
    "cancelled": set(),
}
PAYMENT_MOVES = {
    "pending": {"failed", "authorized", "paid", "voided"},
    "failed": {"pending", "authorized", "paid", "voided"},
    "authorized": {"paid", "failed", "voided"},
    "voided": {"pending"},
    "paid": {"partially_refunded", "refunded"},
    "partially_refunded": {"paid", "partially_refunded", "refunded"},
    # Again, where the dashboard gave back what new stored value had made up for already.
    "refunded": {"paid", "partially_refunded", "refunded"},
}
LEFT = {"fulfilled", "returned"}  # the warehouse
FULFILLMENT_MOVES = {
    "unfulfilled": {"partial", "fulfilled"},
    "partial": {"partial", "fulfilled"},
    "fulfilled": {"returned"},
}


def check(items: Iterable[dict[str, Any]]) -> None:
    """Raise AssertionError unless money and stock add up over all these rows."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        by_kind[item.get("kind", "")].append(item)
    orders = by_kind["order"]
    _stock(by_kind["stock"], by_kind["movement"], by_kind["goods_issue"], orders)
    _issues(by_kind["goods_issue"], orders)
    _backorders(by_kind["backorder"], by_kind["queued_backorder"], by_kind["allocation"], orders)
    _shipments(by_kind["shipment"], by_kind["goods_issue"], orders)
    _mails(by_kind["customer_mail"], by_kind["outbox"], by_kind["shipment"])
    _coupons(by_kind["coupon"], by_kind["coupon_use"], by_kind["coupon_customer"], orders)
    _called_off(by_kind["customer_summary"], orders)
    books.check(by_kind)
    for order in orders:
        _order(order)
    _lists(by_kind["listed_order"], orders)
    _payments(by_kind["payment"], by_kind["intent"], orders)
    _refunds(by_kind["refund"], by_kind["payment"], orders)
    returns.check(by_kind)
    _events(by_kind["outbox"], orders)
    _timeline(by_kind["timeline"], orders)
    _moves(by_kind["timeline"], by_kind["outbox"], orders)


def _tenant(item: dict[str, Any]) -> str:
    return "#".join(item["pk"].split("#")[:3])


def _parts(order: dict[str, Any]) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """The units that warehouses have set aside for an order's lines, and those of them that have left."""
    allocated: Counter[tuple[str, ...]] = Counter()
    shipped: Counter[tuple[str, ...]] = Counter()
    for line in json.loads(order["lines"]):
        for warehouse, quantity, left in line["allocations"]:
            place = (_tenant(order), line["variant_id"], warehouse)
            assert 0 <= left <= quantity, f"{order['order_id']}: {left} of {quantity} have left"
            allocated[place] += quantity
            shipped[place] += left
    return allocated, shipped


def _issued(issue: dict[str, Any]) -> Counter[tuple[str, ...]]:
    units: Counter[tuple[str, ...]] = Counter()
    for _, variant, warehouse, quantity in json.loads(issue["parts"]):
        units[(_tenant(issue), variant, warehouse)] += quantity
    return units


def _stock(
    stocks: list[dict[str, Any]],
    movements: list[dict[str, Any]],
    issues: list[dict[str, Any]],
    orders: list[dict[str, Any]],
) -> None:
    """Available and reserved are never negative; on hand is what was moved less what was issued for orders; reserved is
    what orders hold that are neither cancelled nor on their way."""
    on_hand: dict[tuple[str, ...], int] = defaultdict(int)
    for movement in movements:
        on_hand[(_tenant(movement), movement["variant_id"], movement["warehouse_id"])] += int(movement["delta"])
    for issue in issues:
        for place, units in _issued(issue).items():
            on_hand[place] -= units
    held: Counter[tuple[str, ...]] = Counter()
    for order in orders:
        for line in json.loads(order["lines"]):
            allocated = sum(units for _, units, _ in line["allocations"])
            wanted = line["quantity"] - line.get("given_up", 0)
            whole = allocated == wanted or (allocated < wanted and "backorder_id" in line)
            assert whole, f"{order['order_id']}: {allocated} of {line['quantity']} set aside"
        if order["status"] != "cancelled":
            parts, left = _parts(order)
            held += parts - left
    rows = {(_tenant(stock), stock["variant_id"], stock["warehouse_id"]): stock for stock in stocks}
    for place, stock in rows.items():
        available, reserved = int(stock["available"]), int(stock["reserved"])
        assert available >= 0, f"{place}: available {available}"
        assert reserved >= 0, f"{place}: reserved {reserved}"
        assert available + reserved == on_hand[place], f"{place}: {available} + {reserved} != moved {on_hand[place]}"
        assert reserved == held[place], f"{place}: reserved {reserved}, orders hold {held[place]}"
    assert set(held) <= set(rows), "stock is set aside where there is none"


def _issues(issues: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """What left the warehouses for an order is what its lines say has left; nothing left for a cancelled one."""
    by_order: dict[tuple[str, str], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for issue in issues:
        by_order[(_tenant(issue), issue["order_id"])] += _issued(issue)
    for order in orders:
        found, (_, shipped) = by_order.pop((_tenant(order), order["order_id"]), Counter()), _parts(order)
        assert found == +shipped, f"{order['order_id']}: {found} left, expected {shipped}"
        if order["fulfillment_status"] in LEFT:
            units = sum(line["quantity"] - line.get("given_up", 0) for line in json.loads(order["lines"]))
            assert shipped.total() == units, f"{order['order_id']} is fulfilled, {shipped.total()} of {units} left"
        if order["fulfillment_status"] == "unfulfilled":
            assert not shipped.total(), f"{order['order_id']} is unfulfilled, {shipped.total()} left"
        if order["status"] == "cancelled":
            assert not shipped.total(), f"{order['order_id']} was cancelled after {shipped.total()} units left"
    assert not by_order, f"goods left for no order: {list(by_order)}"


def _shipments(shipments: list[dict[str, Any]], issues: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """What left of each line left in a shipment, and each shipment took its units from the warehouses once."""
    lines = {
        (_tenant(order), order["order_id"], line["id"]): line for order in orders for line in json.loads(order["lines"])
    }
    left, taken = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for shipment in shipments:
        for line_id, units in json.loads(shipment["items"]).items():
            place = (_tenant(shipment), shipment["order_id"], line_id)
            assert units > 0, f"{shipment['shipment_id']}: {units} of {line_id}"
            left[place] += units
            taken[(_tenant(shipment), shipment["shipment_id"], lines[place]["variant_id"])] += units
    for place, line in lines.items():
        shipped = sum(units for _, _, units in line["allocations"])
        assert left[place] == shipped, f"{place}: {left[place]} in shipments, {shipped} have left"
    issued = Counter[tuple[str, str, str]]()
    for issue in issues:
        for (tenant, variant, _), units in _issued(issue).items():
            issued[(tenant, issue["sk"].partition("#")[2], variant)] += units
    assert issued == taken, f"{issued} left the warehouses, {taken} in shipments"


def _mails(mails: list[dict[str, Any]], outbox: list[dict[str, Any]], shipments: list[dict[str, Any]]) -> None:
    """Nobody is mailed what was not asked for, and who wanted to hear of a shipment is to be told of it."""
    notices = [(_tenant(event), json.loads(event["data"])) for event in outbox if event["type"] == "customer.notice"]
    asked = {(tenant, told["order_id"], told["kind"], told["subject_id"]) for tenant, told in notices}
    for mail in mails:
        named = (_tenant(mail), mail["order_id"], mail["notice"], mail["subject_id"])
        assert named in asked, f"a mail that nobody asked for: {named}"
    for shipment in shipments:
        named = (_tenant(shipment), shipment["order_id"], "shipment", shipment["shipment_id"])
        assert (named in asked) == shipment["notify_customer"], f"{named}: {shipment['notify_customer']}"


def _coupons(
    coupons: list[dict[str, Any]],
    uses: list[dict[str, Any]],
    of_customers: list[dict[str, Any]],
    orders: list[dict[str, Any]],
) -> None:
    """Each order that stands uses the coupons that it shows, no coupon is used more often than it may be, and what
    discounts take off is what the lines have less."""
    standing = Counter[tuple[str, str, str]]()
    for order in orders:
        discounts, lines = json.loads(order.get("discounts") or "[]"), json.loads(order["lines"])
        for each in discounts:
            assert sum(each["parts"]) == each["amount"], f"{order['order_id']}: {each}"
            assert len(each["parts"]) == len(lines), f"{order['order_id']}: {each}"
            if each["kind"] == "coupon" and order["status"] != "cancelled":
                pk = f"{_tenant(order)}#COUPON#{each['discount_id']}"
                standing[(pk, order["order_id"], order["customer_id"])] += 1
        for index, line in enumerate(lines):
            taken = sum(each["parts"][index] for each in discounts)
            assert taken <= line["discount"], f"{order['order_id']}: {taken} off {line}"
    assert standing == Counter((use["pk"], use["order_id"], use["customer_id"]) for use in uses)
    counted = {(row["pk"], row["sk"].partition("#")[2]): int(row["uses"]) for row in of_customers if row["uses"]}
    assert counted == Counter((use["pk"], use["customer_id"]) for use in uses)
    used = Counter(use["pk"] for use in uses)
    for coupon in coupons:
        assert coupon["redeemed"] == used[coupon["pk"]], f"{coupon['code']}: {used[coupon['pk']]} uses, {coupon}"
        limit = coupon.get("max_redemptions")
        # A merchant may lower the limit of a coupon that was used more often already.
        assert limit is None or coupon["version"] > 1 or used[coupon["pk"]] <= limit, coupon


def _called_off(summaries: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Each customer's orders that were called off are counted once."""
    cancelled = Counter((_tenant(order), order["customer_id"]) for order in orders if order["status"] == "cancelled")
    for row in summaries:
        customer = (_tenant(row), row["pk"].rpartition("#")[2])
        assert row.get("called_off", 0) == cancelled[customer], f"{customer}: {row}"


def _backorders(
    backorders: list[dict[str, Any]],
    queued: list[dict[str, Any]],
    allocations: list[dict[str, Any]],
    orders: list[dict[str, Any]],
) -> None:
    """What a line waits for is what had to wait less what was allocated since. Who waits, and nobody else, is in the
    queue of the variant, once, at the place that follows from the order."""
    known = {(_tenant(row), row["backorder_id"]): row for row in backorders}
    in_queue = {(_tenant(row), row["backorder_id"]): row for row in queued}
    assert len(in_queue) == len(queued), "somebody stands in a queue twice"
    allocated: Counter[tuple[str, str]] = Counter()
    for row in allocations:
        parts = json.loads(row["parts"])
        assert all(units > 0 for _, units in parts), row["allocation_id"]
        allocated[(_tenant(row), row["backorder_id"])] += sum(units for _, units in parts)
    for order in orders:
        for number, line in enumerate(json.loads(order["lines"])):
            given_up = line.get("given_up", 0)
            waiting = line["quantity"] - given_up - sum(units for _, units, _ in line["allocations"])
            assert waiting == 0 or "backorder_id" in line, f"{order['order_id']}: {waiting} units wait for nothing"
            if "backorder_id" not in line:
                continue
            named = (_tenant(order), line["backorder_id"])
            backorder = known.pop(named)
            own = (backorder["order_id"], backorder["line_id"], int(backorder["line_number"]), backorder["variant_id"])
            assert own == (order["order_id"], line["id"], number, line["variant_id"]), named
            unserved = int(backorder["quantity"]) - allocated.pop(named, 0)  # of which some may be given up
            assert waiting <= unserved <= waiting + given_up, f"{named}: {waiting} wait"
            place = in_queue.pop(named, None)
            waits = waiting > 0 and order["status"] != "cancelled"
            assert (place is not None) == waits, f"{named}: {waiting} wait, and the queue says otherwise"
            if place is not None:
                first = (9 - int(backorder["priority"]), order["placed_at"], f"{number:03d}", line["backorder_id"])
                assert place["sk"] == "#".join(map(str, first)), f"{named} stands at {place['sk']}"
                for name in set(backorder) - {"pk", "sk", "kind"}:
                    assert name.startswith("gsi") or place[name] == backorder[name], f"{named}: {name} in the queue"
    assert not known, f"backorders of no line: {list(known)}"
    assert not in_queue, f"in a queue for nothing: {list(in_queue)}"
    assert not allocated, f"allocated to nobody: {allocated}"


def _order(order: dict[str, Any]) -> None:
    """The total is the lines', less discounts, plus tax and shipping; nothing unpaid is on its way."""
    lines = sum(line["unit_price"] * line["quantity"] for line in json.loads(order["lines"]))
    lines += sum(card["amount"] for card in json.loads(order.get("gift_cards") or "[]"))
    expected = lines - int(order["discount"]) + int(order["tax"]) + int(order["shipping"])
    assert int(order["total"]) == expected, f"{order['order_id']}: {order['total']} != {expected}"
    on_its_way = order["status"] in ("shipped", "delivered")
    assert on_its_way == (order["fulfillment_status"] in LEFT), f"{order['order_id']}: {order['status']}"
    for line in json.loads(order["lines"]):
        assert 0 <= line["refunded"] <= line["returning"] <= line["quantity"], f"{order['order_id']}: {line}"
        left = sum(shipped for _, _, shipped in line["allocations"])
        assert line["returning"] <= left, f"{order['order_id']}: {line['returning']} of {left} units come back"
        given_up = line.get("given_up", 0)
        assert 0 <= given_up <= line["quantity"] - left, f"{order['order_id']}: {line}"
        assert on_its_way or not given_up, f"{order['order_id']} gave up {given_up} units and may still get them"
        worth = line["unit_price"] * line["quantity"] + line["tax"]
        assert 0 <= line["discount"] <= worth, f"{order['order_id']}: {line}"
    if on_its_way:
        assert order["payment_status"] in COLLECTED, f"{order['order_id']} unpaid"


def _lists(copies: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Each order stands once in the lists, and there as it is."""
    found = {(_tenant(copy), copy["order_id"]): copy for copy in copies}
    assert len(found) == len(copies) == len(orders), f"{len(copies)} places in the lists for {len(orders)} orders"
    for order in orders:
        copy = found[(_tenant(order), order["order_id"])]
        for name in set(copy) - {"pk", "sk", "kind"}:
            if not name.startswith("gsi"):
                assert copy[name] == order[name], f"{order['order_id']}: {name} is {copy[name]} in the lists"
        axes = (("status", "status"), ("payment", "payment_status"), ("fulfillment", "fulfillment_status"))
        states = [f"{axis}:{order[name]}" for axis, name in axes]
        for index, state in zip(("gsi1pk", "gsi2pk", "gsi3pk"), states, strict=True):
            assert copy[index].endswith(f"#LIST#orders#{state}"), f"{order['order_id']}: {copy[index]} for {state}"


def _payments(payments: list[dict[str, Any]], pointers: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """An order has one payment that is not called off, at most; a cancelled or voided order none; ids lead to all."""
    known = {(_tenant(row), row["pk"].split("#")[-1]): row["order_id"] for row in pointers}
    assert known == {(_tenant(row), row["intent_id"]): row["order_id"] for row in payments}
    by_order: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for payment in payments:
        assert int(payment["refunded"]) <= int(payment["received"]) <= int(payment["amount"]), payment["intent_id"]
        by_order[(_tenant(payment), payment["order_id"])].append(payment)
    for order in orders:
        own = by_order[(_tenant(order), order["order_id"])]
        live = [payment["intent_id"] for payment in own if payment["status"] != "canceled"]
        assert set(live) <= {order.get("payment_intent_id")}, f"{order['order_id']}: {live}"
        if order["payment_status"] == "voided":
            assert not live, f"{order['order_id']} is voided, and {live} is not"
        refunded = sum(int(payment["refunded"]) for payment in own)
        if order["payment_status"] in COLLECTED:
            refunded += sum(tender["given_back"] for tender in books.tenders(order)) + int(order["compensated"])
        assert refunded == int(order["refunded"]), f"{order['order_id']}: {refunded} given back of its payments"


def _refunds(refunds: list[dict[str, Any]], payments: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """What orders, payments and tenders say went back, or is on its way, is what their refunds say."""
    by_order: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for refund in refunds:
        parts = json.loads(refund["parts"])
        assert sum(minor for _, _, minor in parts) == int(refund["amount"]), refund["refund_id"]
        assert all(minor > 0 for _, _, minor in parts), refund["refund_id"]
        assert sum(minor for _, minor in json.loads(refund["steps"])) == int(refund["amount"]), refund["refund_id"]
        waits = refund["status"] == "pending" and "provider_id" not in refund
        assert waits == ("gsi1pk" in refund), f"{refund['refund_id']} is {refund['status']}"
        by_order[(_tenant(refund), refund["order_id"])].append(refund)
    back = {(_tenant(payment), payment["intent_id"]): int(payment["refunded"]) for payment in payments}
    for order in orders:
        own = by_order.pop((_tenant(order), order["order_id"]), [])
        moved, lines = Counter[tuple[str, str | None]](), Counter[str]()
        for refund in own:
            for kind, source, minor in json.loads(refund["parts"]):
                moved[(refund["status"] if kind == "external" else "at_once", source)] += minor
            for line in json.loads(refund["lines"]):
                lines[line["id"]] += line["units"]
        intent = order.get("payment_intent_id")
        assert moved["pending", intent] == int(order["refunding"]), f"{order['order_id']}: {moved}"
        assert moved["succeeded", intent] == back.get((_tenant(order), intent), 0), f"{order['order_id']}: {moved}"
        assert moved["at_once", None] == int(order["compensated"]), f"{order['order_id']}: {moved}"
        for tender in books.tenders(order):
            parts = moved["at_once", tender["tender_id"]]
            called_off = order["status"] == "cancelled" and not parts
            assert called_off or parts == tender["given_back"], f"{order['order_id']}: {tender}, {parts} refunded"
        for line in json.loads(order["lines"]):
            # What came back when nothing was left to give has no refund.
            assert lines[line["id"]] <= line["refunded"], f"{order['order_id']}: {line}"
        if not any(refund["door"] == "provider" for refund in own):
            on_its_way = int(order["refunded"]) + int(order["refunding"])
            assert on_its_way <= int(order["total"]), f"{order['order_id']}: {on_its_way} of {order['total']}"
    assert not by_order, f"refunds of no order: {list(by_order)}"


def _events(outbox: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Each aggregate's events are numbered from 1 without a gap, up to the order's own count."""
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in outbox:
        numbers[(_tenant(event), event["aggregate_id"])].append(int(event["sequence"]))
    for aggregate, found in numbers.items():
        assert sorted(found) == list(range(1, len(found) + 1)), f"{aggregate}: {sorted(found)}"
    for order in orders:
        count = len(numbers[(_tenant(order), order["order_id"])])
        assert count == int(order["sequence"]), f"{order['order_id']}: {count} events, sequence {order['sequence']}"


def _timeline(events: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Every version of an order has its row; the last status in it is the order's."""
    versions: dict[tuple[str, str], set[int]] = defaultdict(set)
    last: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        order = (_tenant(event), event["order_id"])
        versions[order].add(int(event["version"]))
        if event["type"] == "status_change":
            last[order] = max(last.get(order, ("", "")), (event["sk"], event["status"]))
    for order_row in orders:
        order = (_tenant(order_row), order_row["order_id"])
        assert versions[order] == set(range(1, int(order_row["version"]) + 1)), f"{order}: {versions[order]}"
        assert last[order][1] == order_row["status"], f"{order}: timeline says {last[order][1]}"


def _moves(timeline: list[dict[str, Any]], outbox: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Every move of every axis is legal and in the timeline, and the world was told of each version that moved."""
    told: dict[tuple[str, str], dict[int, dict[str, Any]]] = defaultdict(dict)
    for event in outbox:
        if event["type"].startswith("order."):
            shown = json.loads(event["data"])
            told[(_tenant(event), event["aggregate_id"])][shown["version"]] = shown
    rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in timeline:
        rows[(_tenant(row), row["order_id"])].append(row)
    for order_row in orders:
        order = (_tenant(order_row), order_row["order_id"])
        first, *later = sorted(rows[order], key=lambda row: str(row["sk"]))
        at = {"status": first["status"], "payment": "pending", "fulfillment": "unfulfilled"}
        at["payment"] = told[order][1]["payment_status"]
        moved = {1}
        for row in later:
            axis, table = AXES[row["type"]]
            if row["status"] == "tendered":
                moved.add(int(row["version"]))
            if row["status"] in table:
                assert row["status"] in table[at[axis]], f"{order}: {axis} went from {at[axis]} to {row['status']}"
                at[axis] = row["status"]
                moved.add(int(row["version"]))
        ended = (order_row["status"], order_row["payment_status"], order_row["fulfillment_status"])
        assert tuple(at.values()) == ended, f"{order}: the timeline ends at {at}"
        assert set(told[order]) == moved, f"{order}: versions {moved} moved, {set(told[order])} were told"
        last = told[order][max(moved)]
        assert (last["status"], last["payment_status"], last["fulfillment_status"]) == ended, f"{order}: told {last}"


AXES = {
    "status_change": ("status", MOVES),
    "payment": ("payment", PAYMENT_MOVES),
    "refund": ("payment", PAYMENT_MOVES),
    "shipment": ("fulfillment", FULFILLMENT_MOVES | {"returned": set()}),
    "return": ("status", {}),  # tells of a return, and moves nothing of the order
    "dispute": ("payment", {}),
    "allocation": ("fulfillment", {}),
}
