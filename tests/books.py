"""Stored value and the ledger add up: what ``tests.invariants`` checks of cards, store credit and every account.

It takes rows as boto3 gives them and knows nothing of the code's own arithmetic.
"""

import json
from collections import Counter, defaultdict
from typing import Any

type Rows = list[dict[str, Any]]

COLLECTED = {"paid", "partially_refunded", "refunded"}
ENDS = {"committed", "released", "expired", "reversed"}


def check(by_kind: dict[str, Rows]) -> None:
    """Raise AssertionError unless all of stored value adds up."""
    postings, orders = by_kind["posting"], by_kind["order"]
    _entries(postings)
    _cards(by_kind["gift_card"], by_kind["redemption"], postings)
    _redemptions(by_kind["redemption"], by_kind["gift_card"], orders)
    _lots(by_kind["credit_lot"], by_kind["credit_pointer"], postings, orders)
    _orders(orders, postings)
    _sold(orders, by_kind["gift_card"], postings)
    _disputes(by_kind["dispute"], by_kind["dispute_pointer"], orders, postings)


def tenant_of(item: dict[str, Any]) -> str:
    return "#".join(item["pk"].split("#")[:3])


def tenders(order: dict[str, Any]) -> Rows:
    return list(json.loads(order.get("tenders") or "[]"))


def _entries(postings: Rows) -> None:
    """An entry moves a positive amount between two accounts; what is moved between cards arrives at once."""
    between: Counter[tuple[str, str]] = Counter()
    for posting in postings:
        assert int(posting["amount"]) > 0, posting["operation_id"]
        assert posting["debit"] != posting["credit"], posting["operation_id"]
        assert posting["gsi1pk"].split("#")[-2] == posting["day"], posting["operation_id"]
        for side, sign in (("credit", 1), ("debit", -1)):
            if posting[side] == "liability:gift_card_transfers":
                between[(tenant_of(posting), posting["currency"])] += sign * int(posting["amount"])
    assert not any(between.values()), f"left between two cards: {between}"
    ids = Counter(posting["entry_id"] for posting in postings)
    assert not [entry for entry, count in ids.items() if count > 1]


def _book(postings: Rows, account: str) -> tuple[int, Counter[str], int]:
    """Balance, movements by type and number of the entries of one account."""
    balance, moved, count = 0, Counter[str](), 0
    for posting in postings:
        for side, sign in (("credit", 1), ("debit", -1)):
            if posting[side] == account:
                balance += sign * int(posting["amount"])
                moved[f"{posting['type']}{'+' if sign > 0 else '-'}"] += int(posting["amount"])
                count += 1
    return balance, moved, count


def _by_partition(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[row["pk"]].append(row)
    return found


def _cards(cards: Rows, redemptions: Rows, postings: Rows) -> None:
    """A card's balance is the sum of its entries; what is held of it is what its live redemptions hold."""
    books, held_by = _by_partition(postings), _by_partition(redemptions)
    ids = Counter((tenant_of(card), card["gift_card_id"]) for card in cards)
    assert not [card for card, count in ids.items() if count > 1], "two cards with one id"
    for card in cards:
        name = card["gift_card_id"]
        balance, moved, count = _book(books[card["pk"]], f"liability:gift_card:{name}")
        assert balance == int(card["balance"]), f"{name}: {card['balance']} on it, entries say {balance}"
        assert count == int(card["entries"]) == len(books[card["pk"]]), f"{name}: {count} entries"
        came = sum(moved[kind] for kind in ("issue+", "reversal+", "refund+", "transfer+"))
        went = sum(moved[kind] for kind in ("commit-", "expire-", "cancel-", "transfer-"))
        assert came - went == balance, f"{name}: {dict(moved)}"
        held = [row for row in held_by[card["pk"]] if row["status"] == "held"]
        assert sum(int(row["amount"]) for row in held) == int(card["held"]), f"{name} holds {card['held']}: {held}"
        assert len(held) == int(card["holds"]), f"{name}: {card['holds']} holds"
        assert 0 <= int(card["held"]) <= int(card["balance"]), f"{name}: {card['held']} of {card['balance']}"
        if card["status"] == "cancelled":
            assert int(card["balance"]) == 0, f"{name} is cancelled with {card['balance']} on it"
        due = card.get("gsi3pk", "").startswith("DUE#CARD")
        waits = "expires_at" in card and card["status"] != "cancelled" and int(card["balance"]) > 0
        assert due == waits, f"{name}: {'in' if due else 'not in'} the index of cards that expire"
        assert len(card["pin_hash"]) == 64
    stray = set(held_by) - {card["pk"] for card in cards}
    assert not stray, f"redemptions of no card: {stray}"


def _redemptions(redemptions: Rows, cards: Rows, orders: Rows) -> None:
    """Each redemption ends once; a committed one pays for one order, and that order says so."""
    paid: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for order in orders:
        for tender in tenders(order):
            if tender["kind"] == "gift_card":
                paid[(tenant_of(order), tender["tender_id"])] = (order["order_id"], tender)
    serials = {(tenant_of(card), card["serial"]) for card in cards}
    for row in redemptions:
        name, given_back = row["redemption_id"], int(row["given_back"])
        assert (tenant_of(row), row["serial"]) in serials
        assert 0 <= given_back <= int(row["amount"]), f"{name}: {given_back} of {row['amount']} went back"
        spent = row["status"] in ("committed", "reversed")
        assert (row["status"] == "reversed") == (spent and given_back == int(row["amount"])), f"{name}: {row}"
        waits = row.get("gsi3pk", "").startswith("DUE#REDEMPTION")
        assert waits == (row["status"] == "held"), f"{name} is {row['status']}"
        if not spent:
            assert given_back == 0
            assert (tenant_of(row), name) not in paid, f"{name} is {row['status']} and pays for an order"
            continue
        order_id, tender = paid.pop((tenant_of(row), name))
        assert order_id == row["order_id"], f"{name} pays for {order_id} and {row['order_id']}"
        assert (tender["amount"], tender["given_back"]) == (int(row["amount"]), given_back), f"{name}: {tender}"
    assert not paid, f"tenders without redemption: {list(paid)}"


def _lots(lots: Rows, pointers: Rows, postings: Rows, orders: Rows) -> None:
    """Issued − used − expired − voided remains, by the row and by its entries; what was used paid for orders."""
    books = _by_partition(postings)
    used: Counter[tuple[str, str]] = Counter()
    for order in orders:
        for tender in tenders(order):
            if tender["kind"] == "store_credit":
                used[(tenant_of(order), tender["tender_id"])] += tender["amount"] - tender["given_back"]
    assert len(lots) == len(pointers)
    for lot in lots:
        name = lot["credit_id"]
        account = f"liability:store_credit:{lot['customer_id']}:{name}"
        balance, moved, count = _book(books[lot["pk"]], account)
        issued, spent, expired, voided = (int(lot[part]) for part in ("issued", "used", "expired", "voided"))
        assert min(issued, spent, expired, voided, balance) >= 0, f"{name}: {lot}"
        assert issued - spent - expired - voided == balance, f"{name}: entries say {balance}"
        assert moved["issue+"] == issued, f"{name}: {dict(moved)}"
        assert moved["commit-"] - moved["reversal+"] - moved["refund+"] == spent, f"{name}: {dict(moved)}"
        assert (moved["expire-"], moved["cancel-"]) == (expired, voided), f"{name}: {dict(moved)}"
        assert count == int(lot["entries"]), f"{name}: {count} entries"
        assert used.pop((tenant_of(lot), name), 0) == spent, f"{name}: orders used another amount than {spent}"
    assert not any(used.values()), f"orders used credit that there is not: {used}"


def _orders(orders: Rows, postings: Rows) -> None:
    """What was collected for an order is its total from paid on; it is kept until the goods leave or it goes back."""
    about: dict[tuple[str, str], Rows] = defaultdict(list)
    for posting in postings:
        if "order_id" in posting:
            about[(tenant_of(posting), posting["order_id"])].append(posting)
    for order in orders:
        name = order["order_id"]
        own = about.pop((tenant_of(order), name), [])
        sums = Counter[str]()
        for posting in own:
            sums[posting["type"]] += int(posting["amount"])
        spent = sum(tender["amount"] for tender in tenders(order))
        given_back = sum(tender["given_back"] for tender in tenders(order))
        collected = order["payment_status"] in COLLECTED and int(order["total"]) > 0
        assert sums["capture"] == (int(order["total"]) - spent if collected else 0), f"{name}: {sums}"
        assert sums["commit"] == spent, f"{name}: {sums}, tenders {spent}"
        assert sums["reversal"] + sums["refund"] == given_back, f"{name}: {sums}, tenders gave back {given_back}"
        outside = sums["payment_refund"] - sums["refund_failed"]
        refunded = outside + (given_back if collected else 0) + int(order["compensated"])
        assert refunded == int(order["refunded"]), f"{name}: {order['refunded']} refunded, booked {sums}"
        assert 0 <= outside <= sums["capture"], f"{name}: {sums}"
        kept, _, _ = _book(own, f"liability:order_tender:{name}")
        earned = order["fulfillment_status"] in ("fulfilled", "returned")
        assert kept >= 0, f"{name}: more went out than was collected: {sums}"
        if order["status"] == "cancelled":
            assert spent == given_back, f"{name} is cancelled and keeps stored value"
            left = int(order["total"]) - int(order["refunded"]) if collected else 0
            sold = json.loads(order.get("gift_cards") or "[]")  # which their holders have, until they are refunded
            fits = 0 <= kept <= left if sold else kept == left
            assert fits, f"{name} is cancelled and keeps {kept}; {left} was not given back"
        if earned:
            assert kept == 0, f"{name} is on its way and {kept} is not earned"
        assert earned or not sums["recognition"], f"{name}: earned before it left"
    assert not about, f"entries about no order: {list(about)}"


def _sold(orders: Rows, cards: Rows, postings: Rows) -> None:
    """A gift card that was bought is issued with the payment, once, and worth what was paid for it.

    One that a later card got its value from knows the order too.
    """
    later = {row["pk"] for row in postings if (row["type"], row["operation_id"]) == ("transfer", "issue")}
    bought: dict[tuple[str, str], Rows] = defaultdict(list)
    for card in cards:
        if card["funding"] == "paid" and "order_id" in card and card["pk"] not in later:
            bought[(tenant_of(card), card["order_id"])].append(card)
    for order in orders:
        sold = json.loads(order.get("gift_cards") or "[]")
        found = bought.pop((tenant_of(order), order["order_id"]), [])
        issued = {card["serial"]: card["amount"] for card in sold if card["serial"]}
        assert issued == {card["serial"]: int(card["original"]) for card in found}, order["order_id"]
        if order["payment_status"] == "paid" and order["status"] != "cancelled":
            assert len(issued) == len(sold), f"{order['order_id']} is paid and its cards are not issued"
    assert not bought, f"cards bought with no order: {list(bought)}"


def _disputes(disputes: Rows, pointers: Rows, orders: Rows, postings: Rows) -> None:
    """What the payment provider holds back is what orders and the ledger say; each of its movements is booked once."""
    held, lost, tenants = Counter[tuple[str, str]](), Counter[str](), {tenant_of(row) for row in disputes}
    booked = Counter((tenant_of(row), row["order_id"], row["operation_id"]) for row in postings if "order_id" in row)
    for row in disputes:
        tenant, name = tenant_of(row), row["order_id"]
        held[tenant, name] += int(row["withdrawn"]) - int(row["reinstated"])
        lost[tenant] += int(row["lost"])
        for movement in json.loads(row["movements"]):
            assert booked[tenant, name, f"dispute:{movement}"] == 1, f"{row['dispute_id']}: {movement}"
    assert len(disputes) == len(pointers)
    for order in orders:
        assert held[tenant_of(order), order["order_id"]] == int(order["disputed"]), order["order_id"]
    for tenant in tenants:
        own = [row for row in postings if tenant_of(row) == tenant]
        kept = sum(amount for (of, _), amount in held.items() if of == tenant) - lost[tenant]
        assert -_book(own, "asset:psp_disputed")[0] == kept, f"{tenant}: {kept} is held back"
        assert -_book(own, "expense:dispute_loss")[0] == lost[tenant], f"{tenant}: {lost[tenant]} was lost"
