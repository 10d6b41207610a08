"""What holds of all returns at any moment; part of what ``tests.invariants`` checks.

It takes rows by their kind, as boto3 gives them, and raises on the first one that does not add up.
"""

import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

type Rows = list[dict[str, Any]]

# The only ways a return may move (contract 7), written down here once more: the code's own table is what is tested.
MOVES = {
    "pending": {"approved", "rejected", "cancelled"},
    "approved": {"partially_received", "received", "cancelled"},
    "partially_received": {"received"},
    "received": {"refunded"},
    "refunded": {"closed"},
    "closed": set(),
    "rejected": set(),
    "cancelled": set(),
}
STAYS = {"approved", "partially_received", "refunded", "closed"}  # more was received, or a refund was given anew
WAITS = {"pending", "approved", "partially_received"}
CAME_TO_NOTHING = {"rejected", "cancelled"}
BACK = {"restock", "quarantine", "discard"}


def check(by_kind: dict[str, Rows]) -> None:
    """Raise AssertionError unless returns agree with themselves, their orders, the stock, and their refunds."""
    returns = by_kind["return"]
    for each in returns:
        _itself(each)
    _claims(returns, by_kind["order"])
    _stock(returns, by_kind["movement"], by_kind["order"])
    _history(returns, by_kind["return_step"])
    _events(returns, by_kind["outbox"])
    _names(returns, by_kind["return_pointer"])
    _refunds(returns, by_kind["refund"])
    _refunded(returns, by_kind["order"])


def _place(row: dict[str, Any], identity: str) -> tuple[str, str]:
    """What tells a return, or an order, from those of other shops and of the other mode."""
    return "#".join(row["pk"].split("#")[:3]), row[identity]


def _asked(ret: dict[str, Any]) -> Counter[str]:
    return _units((line, quantity) for line, quantity, _ in json.loads(ret["items"]))


def _found(ret: dict[str, Any], dispositions: set[str]) -> Counter[str]:
    receipts = json.loads(ret["receipts"])
    return _units((line, quantity) for line, quantity, disposition, *_ in receipts if disposition in dispositions)


def _units(parts: Any) -> Counter[str]:
    units: Counter[str] = Counter()
    for line, quantity in parts:
        units[line] += quantity
    return units


def _itself(ret: dict[str, Any]) -> None:
    """Each unit is accounted for once at most, all of them after receipt; a status has its deadline and its list."""
    name, status = ret["return_id"], ret["status"]
    asked, found, back = _asked(ret), _found(ret, BACK | {"missing"}), _found(ret, BACK)
    assert found <= asked, f"{name}: {found} of {asked}"
    if status in {"received", "refunded", "closed"}:
        assert found == asked, f"{name} is {status}: {found} of {asked}"
    assert bool(back) == (status in {"partially_received", "received", "refunded", "closed"}), f"{name} is {status}"
    assert ("deadline" in ret) == ("gsi3pk" in ret) == (status in WAITS), f"{name} is {status}"
    assert ret["gsi2pk"].endswith(f"#RETURNS#{status}"), f"{name} is {status}: {ret['gsi2pk']}"
    assert ("refund_id" not in ret) or status in {"refunded", "closed"}, f"{name} is {status}"


def _claims(returns: Rows, orders: Rows) -> None:
    """What an order's lines say is claimed is what its returns claim: no unit is in two of them."""
    claimed: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for ret in returns:
        if ret["status"] not in CAME_TO_NOTHING:
            claimed[_place(ret, "order_id")] += _asked(ret) - _found(ret, {"missing"})
    for order in orders:
        for line in json.loads(order["lines"]):
            units = claimed[_place(order, "order_id")][line["id"]]
            assert line["returning"] == units, f"{order['order_id']}: {line}, {units} claimed"
            assert line["refunded"] <= line["returning"] <= line["quantity"], f"{order['order_id']}: {line}"


def _stock(returns: Rows, movements: Rows, orders: Rows) -> None:
    """What came on hand again for a return is what was restocked of it."""
    variants = {
        (_place(order, "order_id"), line["id"]): line["variant_id"]
        for order in orders
        for line in json.loads(order["lines"])
    }
    restocked: Counter[tuple[str, str, str, str]] = Counter()
    for ret in returns:
        for line, quantity, disposition, _, warehouse in json.loads(ret["receipts"]):
            if disposition == "restock":
                variant = variants[_place(ret, "order_id"), line]
                restocked[(*_place(ret, "return_id"), variant, warehouse)] += quantity
    moved: Counter[tuple[str, str, str, str]] = Counter()
    for each in movements:
        if each["reason"] == "return":
            moved[(*_place(each, "note"), each["variant_id"], each["warehouse_id"])] += int(each["delta"])
    assert moved == restocked


def _history(returns: Rows, steps: Rows) -> None:
    """Every version has its step, every step is legal, and the last one is what the return is."""
    by_return: dict[tuple[str, str], Rows] = defaultdict(list)
    for step in steps:
        by_return[_place(step, "return_id")].append(step)
    for ret in returns:
        own = sorted(by_return.pop(_place(ret, "return_id")), key=lambda step: int(step["version"]))
        versions = [int(step["version"]) for step in own]
        assert versions == list(range(1, int(ret["version"]) + 1)), f"{ret['return_id']}: {versions}"
        statuses = [step["status"] for step in own]
        assert statuses[0] == "pending", ret["return_id"]
        for before, after in pairwise(statuses):
            stays = before == after and before in STAYS
            assert stays or after in MOVES[before], f"{ret['return_id']}: {before} to {after}"
        assert statuses[-1] == ret["status"], f"{ret['return_id']}: {statuses}"
    assert not by_return, f"no such returns: {list(by_return)}"


def _events(returns: Rows, outbox: Rows) -> None:
    """The world was told of every version."""
    told = Counter(_place(event, "aggregate_id") for event in outbox if event["type"].startswith("return."))
    for ret in returns:
        count = told[_place(ret, "return_id")]
        assert count == int(ret["sequence"]) == int(ret["version"]), f"{ret['return_id']}: {count} events"


def _names(returns: Rows, pointers: Rows) -> None:
    """Each return is found by its order and by its RMA number."""
    wanted: Counter[tuple[str, str]] = Counter()
    for ret in returns:
        shop, return_id = _place(ret, "return_id")
        wanted[f"{shop}#ORDER#{ret['order_id']}", return_id] += 1
        wanted[f"{shop}#RMA#{ret['rma_number']}", return_id] += 1
    assert Counter((row["pk"], row["return_id"]) for row in pointers) == wanted


def _refunds(returns: Rows, refunds: Rows) -> None:
    """A return gives back what it says, once: a second refund gives what failed of the first one."""
    by_return: dict[tuple[str, str], Rows] = defaultdict(list)
    for refund in refunds:
        if "return_id" in refund:
            by_return[_place(refund, "return_id")].append(refund)
    for ret in returns:
        own = sorted(by_return.pop(_place(ret, "return_id"), []), key=lambda refund: str(refund["requested_at"]))
        newest = ret.get("refund_id")
        assert (newest in {refund["refund_id"] for refund in own}) == bool(own), f"{ret['return_id']}: {newest}"
        given = 0
        for refund in own:
            dropped = refund["status"] == "failed" and refund["refund_id"] != newest
            parts = json.loads(refund["parts"])
            given += sum(minor for kind, _, minor in parts if not (dropped and kind == "external"))
        if own or ret["status"] in {"refunded", "closed"} | CAME_TO_NOTHING:
            assert given == int(ret["refund"]), f"{ret['return_id']}: {given} given"
        if ret["status"] == "closed":
            # What had arrived, a bank may send back; then it can be given anew.
            assert len(own) > 1 or all(refund["status"] != "pending" for refund in own), ret["return_id"]
    assert not by_return, f"no such returns: {list(by_return)}"


def _refunded(returns: Rows, orders: Rows) -> None:
    """What an order's lines say was refunded is what came back with its refunded returns."""
    back: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for ret in returns:
        if ret["status"] in {"refunded", "closed"}:
            back[_place(ret, "order_id")] += _found(ret, BACK)
    for order in orders:
        for line in json.loads(order["lines"]):
            units = back[_place(order, "order_id")][line["id"]]
            assert line["refunded"] == units, f"{order['order_id']}: {line}, {units} came back"
