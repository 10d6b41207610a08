"""The checker that runs at the end of every test that moves money or stock.

It takes all rows of the table, as boto3 gives them, and raises on the first figure that does not add up.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

ENDED = {"cancelled"}


def check(items: Iterable[dict[str, Any]]) -> None:
    """Raise AssertionError unless money and stock add up over all these rows."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        by_kind[item.get("kind", "")].append(item)
    orders = by_kind["order"]
    _stock(by_kind["stock"], by_kind["movement"], orders)
    _ledger(by_kind["posting"], orders)
    for order in orders:
        _order(order)
    _events(by_kind["outbox"], orders)
    _timeline(by_kind["timeline"], orders)


def _tenant(item: dict[str, Any]) -> str:
    return "#".join(item["pk"].split("#")[:3])


def _stock(stocks: list[dict[str, Any]], movements: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Available and reserved are never negative; on hand is the sum of movements; reserved is what open orders hold."""
    on_hand: dict[tuple[str, ...], int] = defaultdict(int)
    for movement in movements:
        on_hand[(_tenant(movement), movement["variant_id"], movement["warehouse_id"])] += int(movement["delta"])
    held: dict[tuple[str, ...], int] = defaultdict(int)
    for order in orders:
        if order["status"] in ENDED:
            continue
        for line in json.loads(order["lines"]):
            allocated = sum(units for _, units in line["allocations"])
            assert allocated == line["quantity"], f"{order['order_id']}: {allocated} of {line['quantity']} set aside"
            for warehouse, units in line["allocations"]:
                held[(_tenant(order), line["variant_id"], warehouse)] += units
    rows = {(_tenant(stock), stock["variant_id"], stock["warehouse_id"]): stock for stock in stocks}
    for place, stock in rows.items():
        available, reserved = int(stock["available"]), int(stock["reserved"])
        assert available >= 0, f"{place}: available {available}"
        assert reserved >= 0, f"{place}: reserved {reserved}"
        assert available + reserved == on_hand[place], f"{place}: {available} + {reserved} != moved {on_hand[place]}"
        assert reserved == held[place], f"{place}: reserved {reserved}, orders hold {held[place]}"
    assert set(held) <= set(rows), "stock is set aside where there is none"


def _ledger(postings: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """What an order says it collected and gave back is what the ledger booked for it, once per operation."""
    booked: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: {"capture": 0, "refund": 0})
    for posting in postings:
        assert int(posting["amount"]) > 0
        assert posting["debit"] != posting["credit"]
        kind = posting["operation_id"].split(":")[0]
        booked[(_tenant(posting), posting["order_id"])][kind] += int(posting["amount"])
    for order in orders:
        sums = booked[(_tenant(order), order["order_id"])]
        collected = order["payment_status"] in ("paid", "partially_refunded", "refunded") and int(order["total"]) > 0
        assert sums["capture"] == (int(order["total"]) if collected else 0), f"{order['order_id']}: {sums}"
        assert sums["refund"] == int(order["refunded"]), f"{order['order_id']}: {sums}"
        assert sums["refund"] <= sums["capture"]
        if order["status"] in ENDED and collected:
            assert order["payment_status"] == "refunded", f"{order['order_id']} is cancelled and keeps money"


def _order(order: dict[str, Any]) -> None:
    """The total is the lines', less discounts, plus tax and shipping; nothing unpaid is on its way."""
    lines = sum(line["unit_price"] * line["quantity"] for line in json.loads(order["lines"]))
    expected = lines - int(order["discount"]) + int(order["tax"]) + int(order["shipping"])
    assert int(order["total"]) == expected, f"{order['order_id']}: {order['total']} != {expected}"
    if order["status"] in ("shipped", "delivered"):
        assert order["payment_status"] in ("paid", "partially_refunded", "refunded"), f"{order['order_id']} unpaid"


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
