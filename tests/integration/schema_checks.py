"""What schemathesis checks beyond its own checks; it loads this module by its name.

A description is complete when a request that it allows is never refused for its structure. What the shop refuses for
other reasons is listed here, so that a new reason has to be thought about: does the description say it, or can it not?
"""

import os
import uuid
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

# Codes of `details` in 400 and 422, by why no description can say it.
SEMANTIC = {
    "a page and a cursor exclude each other; a cursor belongs to one question; offsets reach so far": (
        "bad_cursor page_and_cursor use_cursor"
    ),
    "filters and orders that together no index answers; texts without a word; periods that end before they begin": (
        "not_indexed search_too_short name_too_short empty_period"
    ),
    "what the shop has": (
        "unknown_product unknown_variant unknown_warehouse unknown_customer unknown_line variant_required "
        "variant_in_stock not_for_sale address_required cart_empty unknown_shipping_option insufficient_credit "
        "wrong_customer exceeds_waiting"
    ),
    "prices and amounts depend on the shop's currency, its catalogue and the order": (
        "foreign_currency unknown_currency too_many_decimal_places amount_out_of_range amount_mismatch price_mismatch "
        "not_payable unsupported_payment_method unusable_payment_method unsupported_shipping_method no_exchange_rate "
        "refund_exceeds_remaining refunded_whole exceeds_authorized gift_cards_unpaid"
    ),
    "one thing twice in a request, or more of it together than fits": (
        "duplicate_sku duplicate_variant two_defaults two_prices too_many_variants too_many_items too_large "
        "quantity_too_large too_many_parts bad_shipping_options"
    ),
    "depends on the clock or on the credential": "bad_expiry bad_limit scope_not_held",
    "registries that grow: countries of ISO 3166-1 in any case, networks in all their notations": "country bad_network",
    "Unicode's categories, and Luhn's check on digits anywhere": "not_printable card_number",
    "made with a secret": "bad_signature",
    "the check character of a serial, and what a gift card is, has and has paid for": (
        "mistyped_serial insufficient_balance exceeds_outstanding currency_mismatch gift_card_empty nothing_to_refund "
        "refund_exceeds_redemption unknown_order unknown_cart nothing_to_pay"
    ),
    "the shop's own day, and the law of its country": (
        "date_in_the_past date_passed expiry_too_soon expiry_not_allowed date_out_of_range"
    ),
    "evidence of all fields together, and files that Stripe knows": "evidence_too_long unusable_evidence",
    "one field asks for another": "recipient_required disposition_required reason_required expected_date_required",
    "files: what their names may hold in Unicode, and which endings go with which type": (
        "not_a_filename wrong_ending type_required unsupported_type content_mismatch malformed_form_data"
    ),
    "lists of ids in one text, and a picture that is none": "bad_order_ids too_many_orders bad_logo",
    "what is written in a CSV text": "bad_csv",
    "a link, or id and e-mail": "id_and_email_or_token tenant_required",
    "what a coupon takes off, by its type": "wrong_amount wrong_duration percentage_out_of_range",
    "an id out of a dictionary of this run, put beside a gift card that excludes it": "two_items",
}
CODES = frozenset(" ".join(SEMANTIC.values()).split())

# How many of the routes have to answer with success at least once. Not all can: `/oauth` needs a registered client,
# Stripe's webhook its signature; and what an earlier request cancelled or removed, a later one finds so.
SHARE = 3 / 5

# Of the coverage phase's requests, those of one operation and one kind: so many, and then every so-manieth. Which ones
# these are depends on the seed. All of them would be 7,000 requests, most of them another wrong type in another field.
FIRST, THEN_EVERY = 1, 50
SEED = int(os.environ["SCHEMA_SEED"])
_seen: Counter[tuple[str, str]] = Counter()

# API Gateway reads at most 10,240 bytes of request line and headers together; what is longer never comes to a route.
MAX_QUERY = 8_000


@schemathesis.hook
def filter_case(_: HookContext, case: Case[Any]) -> bool:
    """Thin the coverage phase out, and leave out what no gateway lets through."""
    if len(urlencode(case.query or {}, doseq=True, errors="replace")) > MAX_QUERY:
        return False
    scenario = getattr(case.meta.phase.data, "scenario", None) if case.meta else None
    if scenario is None:
        return True
    kind = (case.operation.label, str(scenario))
    _seen[kind] += 1
    return _seen[kind] <= FIRST or (_seen[kind] + SEED) % THEN_EVERY == 0


@schemathesis.hook
def map_case(_: HookContext, case: Case[Any]) -> Case[Any]:
    """Give every good request a key of its own; otherwise all of an operation would be repetitions of its first."""
    if case.meta and case.meta.generation.mode.is_positive and "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    return case


@schemathesis.check
def description_is_complete(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """A request that the description allows is not refused for its structure."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    body = response.json()
    error = body.get("error", body)  # a checkout's error stands for itself
    if isinstance(error, str):
        return  # OAuth's errors name no field (RFC 6749, section 5.2)
    if any(each["code"] == "int_type" for each in error["details"]) and _has_whole_float(case.body):
        return  # JSON Schema counts 2.0 among the integers; we do not: 25.00 is no number of cents
    structural = [each for each in error["details"] if each["code"] not in CODES]
    if structural or not error["details"]:
        raise AssertionError(f"The description allows what is refused for its structure: {structural or error}")


def _has_whole_float(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_whole_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


@schemathesis.check
class RoutesSucceed:
    """A run in which routes only ever refuse says little about their answers."""

    def __init__(self) -> None:
        self.called: set[str] = set()
        self.succeeded: set[str] = set()

    def after_response(self, _: CheckContext, response: Response, case: Case[Any]) -> None:
        """Remember who answered with success."""
        self.called.add(case.operation.label)
        as_documented = case.method.upper() == case.operation.method.upper()  # and not a trial of another method
        if as_documented and response.status_code < 300:
            self.succeeded.add(case.operation.label)

    def after_run(self, _: CheckContext) -> None:
        """Compare with all that were called."""
        print(f"{len(self.succeeded)} of {len(self.called)} routes succeeded at least once; those that did not:")
        print("  " + ", ".join(sorted(self.called - self.succeeded)))
        assert len(self.succeeded) >= SHARE * len(self.called), "Too few routes succeeded"
