"""Disputes: the holder's bank takes a charge back, the merchant answers, the bank decides.

While a dispute holds the money, ``behind(charge)["disputed"]`` says how much: refunds and disputes together never take
more than was captured. Source: https://docs.stripe.com/disputes and https://docs.stripe.com/testing#disputes.
"""

from collections.abc import Iterator

from . import ids
from .accounts import Account, change
from .agenda import Task
from .currencies import written
from .errors import invalid_request
from .payments import refundable
from .resources import payment_methods
from .shapes import JsonObject

DAY = 24 * 60 * 60
ANSWER_SECONDS = 9 * DAY
INQUIRY_SECONDS = 120 * DAY
"""When an inquiry that never became a dispute closes by itself."""
FEES = {"usd": 1500, "eur": 2000, "gbp": 2000, "jpy": 1300}
"""Stripe's fee for a dispute in minor units; it is kept even when the dispute is won."""
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}
OUTCOMES = {"winning_evidence": "won", "losing_evidence": "lost"}
"""What the documented test evidence in ``uncategorized_text`` leads to, at once."""
ANSWERABLE = ("needs_response", "warning_needs_response")
EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def open_dispute(
    account: Account, charge: JsonObject, amount: int | None, reason: str, *, inquiry: bool = False
) -> JsonObject:
    """Dispute ``amount`` of a charge (all that is left when None); an inquiry takes no money yet.

    Raises:
        StripeError: 400 when the charge was disputed before, or the amount is more than is left after refunds.
    """
    left = refundable(account, charge)
    wanted = left if amount is None else amount
    if charge["disputed"]:
        raise invalid_request(f"Charge {charge['id']} has already been disputed.")
    if not 1 <= wanted <= left:
        raise invalid_request(
            f"Dispute amount ({written(wanted, charge['currency'])}) must be between 1 and the unrefunded amount on "
            f"charge ({written(left, charge['currency'])})",
            param="amount",
        )
    brand = charge["payment_method_details"].get("card", {}).get("brand", "visa")
    dispute = account.add(
        "dispute",
        {
            "amount": wanted,
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(EVIDENCE) | {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": account.now() + ANSWER_SECONDS,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "intended_submission_method": None,
            "is_charge_refundable": inquiry,
            "network_reason_code": REASON_CODES.get(reason),
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {
                "card": {
                    "brand": brand,
                    "case_type": "inquiry" if inquiry else "chargeback",
                    "network": brand,
                    "network_reason_code": REASON_CODES.get(reason),
                },
                "type": "card",
            },
            "reason": reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        },
    )
    charge["disputed"] = True
    account.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(account, dispute)
    return dispute


def answer(account: Account, dispute: JsonObject, evidence: JsonObject, metadata: JsonObject, *, submit: bool) -> None:
    """Stage evidence, and hand it to the bank if ``submit``. The bank hears a merchant once.

    Raises:
        StripeError: 400 when the dispute is closed, was answered already, or its date has passed.
    """
    if evidence or (submit and dispute["evidence_details"]["has_evidence"]):
        _refuse_answer(dispute)
    before = dict(dispute)
    dispute["metadata"] = metadata
    dispute["evidence"] = dispute["evidence"] | evidence
    given = any(value for name, value in dispute["evidence"].items() if name != "enhanced_evidence")
    handed_in = submit and given and dispute["status"] in ANSWERABLE
    dispute["evidence_details"] = dispute["evidence_details"] | {"has_evidence": given}
    if handed_in:
        dispute["evidence_details"] |= {"submission_count": 1, "submission_method": "manual"}
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
    previous = {name: value for name, value in before.items() if dispute[name] != value}
    if previous:
        account.emit("charge.dispute.updated", dispute, previous)
    outcome = OUTCOMES.get(dispute["evidence"]["uncategorized_text"] or "")
    if handed_in and outcome is not None:
        close(account, dispute, outcome)


def close(account: Account, dispute: JsonObject, outcome: str) -> None:
    """End a dispute as ``won`` or ``lost``; an inquiry ends as ``warning_closed``. Raises a 400 when it has ended."""
    if dispute["status"] in {"won", "lost", "warning_closed"}:
        raise invalid_request(f"This dispute is already closed: it has a status of {dispute['status']}.")
    inquiry = dispute["status"].startswith("warning_")
    dispute["status"] = "warning_closed" if inquiry else outcome
    account.emit("charge.dispute.closed", dispute)
    if outcome == "won" and not inquiry:
        _reinstate(account, dispute)


def escalate(account: Account, dispute: JsonObject) -> None:
    """Turn an inquiry into a dispute, which takes the money; raise a 400 for one that is none any more."""
    if not dispute["status"].startswith("warning_") or dispute["status"] == "warning_closed":
        raise invalid_request(f"This dispute has a status of {dispute['status']} and cannot be escalated.")
    charge = account.get("charge", dispute["charge"])
    if refundable(account, charge) < dispute["amount"]:
        raise invalid_request("The charge was refunded meanwhile, so that nothing is left to dispute.")
    details = dict(dispute["payment_method_details"])
    details["card"] = details["card"] | {"case_type": "chargeback"}
    previous = change(
        dispute,
        {
            "status": "needs_response",
            "is_charge_refundable": False,
            "payment_method_details": details,
            "evidence_details": dispute["evidence_details"] | {"due_by": account.now() + ANSWER_SECONDS},
        },
    )
    account.emit("charge.dispute.updated", dispute, previous)
    _withdraw(account, dispute)


def on_paid(account: Account, intent: JsonObject) -> None:
    """Let the holder of a card made for it dispute what was just paid."""
    charge = account.find("charge", intent["latest_charge"] or "")
    if charge is None:
        return
    card = payment_methods.card_of(account, account.get("payment_method", charge["payment_method"]))
    if card.dispute is not None:
        open_dispute(account, charge, None, card.dispute, inquiry=card.inquiry)


def tasks(account: Account) -> Iterator[Task]:
    """Give the dates by which disputes are lost unanswered, and inquiries closed."""
    for dispute in account.objects.get("dispute", {}).values():
        if dispute["status"] in ANSWERABLE and not dispute["evidence_details"]["past_due"]:
            yield Task(dispute["evidence_details"]["due_by"], "dispute_due", dispute["id"], _fall_due)
        elif dispute["status"].startswith("warning_") and dispute["status"] != "warning_closed":
            yield Task(dispute["created"] + INQUIRY_SECONDS, "inquiry_closed", dispute["id"], _let_go)


def _fall_due(account: Account, dispute_id: str) -> None:
    dispute = account.get("dispute", dispute_id)
    previous = change(dispute, {"evidence_details": dispute["evidence_details"] | {"past_due": True}})
    account.emit("charge.dispute.updated", dispute, previous)
    if dispute["status"] == "needs_response":
        close(account, dispute, "lost")


def _let_go(account: Account, dispute_id: str) -> None:
    close(account, account.get("dispute", dispute_id), "won")


def _refuse_answer(dispute: JsonObject) -> None:
    if dispute["status"] not in ANSWERABLE:
        raise invalid_request(
            f"This dispute has a status of {dispute['status']}: its evidence can no longer be changed.",
            param="evidence",
        )
    if dispute["evidence_details"]["past_due"]:
        raise invalid_request("The date by which evidence was due has passed.", param="evidence")


def _withdraw(account: Account, dispute: JsonObject) -> None:
    account.behind(dispute["charge"])["disputed"] = dispute["amount"]
    _book(account, dispute, -dispute["amount"], FEES.get(dispute["currency"], 1500), "Chargeback withdrawal")
    account.emit("charge.dispute.funds_withdrawn", dispute)


def _reinstate(account: Account, dispute: JsonObject) -> None:
    account.behind(dispute["charge"])["disputed"] = 0
    dispute["is_charge_refundable"] = True
    _book(account, dispute, dispute["amount"], 0, "Chargeback reversal")
    account.emit("charge.dispute.funds_reinstated", dispute)


def _book(account: Account, dispute: JsonObject, amount: int, fee: int, what: str) -> None:
    """Put what the dispute does to the balance on it: an amount, a fee, and their difference."""
    fees = [{"amount": fee, "application": None, "currency": dispute["currency"], "description": "Dispute fee",
             "type": "stripe_fee"}]  # fmt: skip
    booked = {
        "id": ids.new("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": account.now(),
        "balance_type": "payments",
        "created": account.now(),
        "currency": dispute["currency"],
        "description": f"{what} for {dispute['charge']}",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": fees if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": dispute["id"],
        "status": "available",
        "type": "adjustment",
    }
    dispute["balance_transactions"] = [*dispute["balance_transactions"], booked]
