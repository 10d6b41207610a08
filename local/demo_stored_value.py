"""The second purchase of ``make demo``: two gift cards, store credit and a bank card pay for one order."""

import time
from decimal import Decimal
from typing import Any

from local.buyer import Buyer, expect
from local.stack.shop import call

_EXPORTED_WITHIN_SECONDS = 60


def issue(buyer: Buyer, amount: str) -> dict[str, Any]:
    """Issue a gift card; its code and PIN are in the answer."""
    body = {"amount": float(amount), "currency": "USD", "recipient_email": "sam@example.com", "message": "Enjoy!"}
    card: dict[str, Any] = buyer.ask(
        "POST",
        "/admin/gift-cards",
        who="TILL_API_KEY",
        status=201,
        json=body,
        show=lambda answer: {"code": answer["data"]["code"], "pin": "…", "balance": answer["data"]["balance"]},
    )["data"]
    return card


def prepare(buyer: Buyer, shop: dict[str, str]) -> tuple[list[dict[str, Any]], Decimal]:
    """Two gift cards, a look at one of them, and store credit; give the cards and what credit there is."""
    buyer.step("The merchant issues two gift cards: code and PIN are told once")
    cards = [issue(buyer, "15.00"), issue(buyer, "20.00")]
    buyer.step("Anybody with code and PIN may look at a balance; a wrong PIN is told what an unknown code is told")
    buyer.ask(
        "GET",
        "/storefront/giftcards/balance",
        params={"serial": cards[0]["code"].lower(), "pin": cards[0]["pin"]},
        headers={"orgid": shop["TILL_TENANT"]},
        show=lambda body: body,
    )
    wrong = {"serial": cards[0]["code"], "pin": "000000" if cards[0]["pin"] != "000000" else "000001"}
    buyer.ask(
        "GET",
        "/storefront/giftcards/balance",
        params=wrong,
        headers={"orgid": shop["TILL_TENANT"]},
        status=404,
        show=lambda body: {"message": body["error"]["message"]},
    )
    buyer.step("The customer has 5.00 of store credit, after a complaint")
    buyer.ask(
        "POST",
        "/admin/store-credit/issue",
        who="TILL_API_KEY",
        status=201,
        json={"customer_id": shop["TILL_CUSTOMER_ID"], "amount": 5.0, "reason": "goodwill"},
        show=lambda body: {name: body["data"][name] for name in ("credit_id", "balance_remaining")},
    )
    balance = buyer.ask(
        "GET",
        f"/admin/store-credit/balance/{shop['TILL_CUSTOMER_ID']}",
        who="TILL_API_KEY",
        show=lambda body: {name: body["data"][name] for name in ("total_issued", "total_used", "balance_remaining")},
    )["data"]
    return cards, Decimal(balance["balance_remaining"])


def apply(buyer: Buyer, cards: list[dict[str, Any]], credit: Decimal, total: Decimal) -> Decimal:
    """Let cards and credit pay; give what is left for the bank card."""
    buyer.step("Both cards go onto the cart, where they are held; nothing is spent yet")
    for card in cards:
        buyer.ask(
            "POST",
            "/cart/gift-cards",
            who="TILL_CUSTOMER_TOKEN",
            status=201,
            json={"serial": card["code"], "pin": card["pin"]},
            show=lambda body: {name: body["data"][name] for name in ("total", "amount_due")},
        )
    buyer.step("And so does the store credit, all there is: no amount is named")
    cart = buyer.ask("GET", "/cart", who="TILL_CUSTOMER_TOKEN")["data"]
    checkout = buyer.ask(
        "POST",
        f"/api/storefront/checkouts/{cart['id']}/store-credit",
        who="TILL_CUSTOMER_TOKEN",
        show=lambda body: {
            name: body["data"][name] for name in ("grandTotal", "outstandingBalance", "isStoreCreditApplied")
        },
    )["data"]
    due = Decimal(checkout["outstandingBalance"])
    expect(checkout["isStoreCreditApplied"] is True, "the credit is applied")
    expect(Decimal(checkout["grandTotal"]) == total, "what things cost does not change")
    expect(due == total - 35 - credit, "the bank card pays what cards and credit leave")
    return due


def look_at_the_books(buyer: Buyer, cards: list[dict[str, Any]], credit: Decimal, order_id: str) -> None:
    """What the order's tenders are, and what the ledger says of one of the cards."""
    buyer.step("The order knows what paid for it")
    order = buyer.ask(
        "GET",
        f"/admin/orders/{order_id}",
        who="TILL_API_KEY",
        show=lambda body: {name: body["data"][name] for name in ("total", "tenders", "payment_status")},
    )["data"]
    spent = sum(Decimal(tender["amount"]) for tender in order["tenders"])
    expect(spent == 35 + credit, "two cards and the credit paid what they had")
    buyer.step("The card's own records, each with the ledger entry behind it")
    records = buyer.ask(
        "GET",
        "/api/data/giftcard-transaction",
        params={"where[giftCardSerial]": cards[0]["code"]},
        who="TILL_API_KEY",
        show=lambda body: [[row["type"], row["amount"], row["balanceAfter"]] for row in body["data"]],
    )["data"]
    expect({row["type"] for row in records} >= {"issue", "commit"}, "it was issued and spent")


def look_at_the_liability(buyer: Buyer, shop: dict[str, str]) -> None:
    """What the shop owes on its cards, and how an ended day's export proves it."""
    buyer.step("What is owed on gift cards, for the balance sheet (kept by the table's stream, a moment behind)")
    buyer.ask("GET", "/storefront/giftcards/stats", who="TILL_API_KEY", show=lambda body: body)
    buyer.step("The export of the last day that ended: opening + movements = closing = the sum of all balances")
    began = time.monotonic()
    while True:
        answer = call(shop["TILL_URL"], "GET", "/admin/gift-cards/liability-exports", shop["TILL_API_KEY"])
        exports = answer.json()["data"]
        if exports:
            break
        expect(time.monotonic() - began < _EXPORTED_WITHIN_SECONDS, "no day is exported yet")
        time.sleep(1)
    buyer.ask(
        "GET",
        f"/admin/gift-cards/liability-exports/{exports[0]['date']}",
        who="TILL_API_KEY",
        show=lambda body: {name: value for name, value in body["data"].items() if not name.endswith("url")},
    )
