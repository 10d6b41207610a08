"""Cards, capture, cancel and refunds."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from local.stripe_standin.cards import CARDS, checksum_holds

IN_TWO_YEARS = datetime.now(UTC).year + 2


def card(client: Any, number: Any, **more: Any) -> Any:
    details = {"number": number, "exp_month": 12, "exp_year": IN_TWO_YEARS, "cvc": "123"} | more
    return client.v1.payment_methods.create({"type": "card", "card": details})


def test_every_documented_number_passes_the_check_digit() -> None:
    assert [one.name for one in CARDS if not checksum_holds(one.number)] == []


@pytest.mark.parametrize(
    "one", [one for one in CARDS if one.decline is None and one.authentication == "never"], ids=str
)
def test_a_good_card_pays_by_number_by_token_and_by_ready_made_id(client: Any, pay: Any, one: Any) -> None:
    by_number = card(client, one.number)
    by_token = client.v1.payment_methods.create({"type": "card", "card": {"token": f"tok_{one.name}"}})

    assert by_number.card.last4 == by_token.card.last4 == one.number[-4:]
    assert by_number.card.fingerprint == by_token.card.fingerprint
    for method in (by_number.id, by_token.id, f"pm_card_{one.name}"):
        paid = pay(card=method, expand=["latest_charge"])
        assert (paid.status, paid.amount_received, paid.latest_charge.amount_captured) == ("succeeded", 2000, 2000)


@pytest.mark.parametrize("one", [one for one in CARDS if one.decline and one.authentication == "never"], ids=str)
def test_a_declined_card_answers_402_and_leaves_the_intent_to_be_paid_another_way(
    client: Any, pay: Any, books: Any, one: Any
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        pay(card=f"pm_card_{one.name}")

    error = caught.value
    body = error.json_body["error"]
    assert (error.http_status, error.code, body["decline_code"]) == (402, one.decline.code, one.decline.decline_code)
    intent = client.v1.payment_intents.retrieve(body["payment_intent"]["id"], {"expand": ["latest_charge"]})
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.decline_code == one.decline.decline_code
    assert (intent.latest_charge.status, intent.latest_charge.paid) == ("failed", False)
    assert books(intent.id)["authorised"] == 0

    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)


def test_the_documented_aliases_name_the_declining_cards(client: Any, pay: Any) -> None:
    for alias, reason in {
        "pm_card_visa_chargeDeclined": "generic_decline",
        "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
    }.items():
        with pytest.raises(stripe.CardError) as caught:
            pay(card=alias)
        assert caught.value.json_body["error"]["decline_code"] == reason


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "424242424242424x"}, "incorrect_number"),
        ({"exp_year": 2020}, "expired_card"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_a_card_that_cannot_exist_makes_no_payment_method(client: Any, details: Any, code: Any) -> None:
    with pytest.raises(stripe.CardError) as caught:
        card(client, **({"number": "4242424242424242"} | details))
    assert caught.value.code == code


def test_a_number_that_is_no_test_card_is_refused_when_charged(client: Any, pay: Any) -> None:
    with pytest.raises(stripe.CardError) as caught:
        pay(card=card(client, "4012888888881881").id)
    assert caught.value.json_body["error"]["decline_code"] == "test_mode_live_card"


def test_the_full_number_is_kept_nowhere(client: Any, control: Any) -> None:
    card(client, "4000002760003184")
    assert "4000002760003184" not in control.get("/state").text


@pytest.mark.parametrize("name", ["threeDSecure2Required", "authenticationRequired"])
def test_a_card_that_asks_for_authentication_pays_once_its_holder_has_answered(
    client: Any, control: Any, pay: Any, name: Any
) -> None:
    intent = pay(card=f"pm_card_{name}")
    assert (intent.status, intent.next_action.type, intent.latest_charge) == ("requires_action", "use_stripe_sdk", None)

    control.post(f"/payment_intents/{intent.id}/authenticate", json={"outcome": "success"}).raise_for_status()

    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_failed_authentication_asks_for_another_way_to_pay(client: Any, control: Any, pay: Any) -> None:
    intent = pay(
        card="pm_card_authenticationRequired",
        return_url="https://shop.example/back",
        automatic_payment_methods={"enabled": True},
    )
    assert intent.next_action.redirect_to_url.return_url == "https://shop.example/back"

    control.post(f"/payment_intents/{intent.id}/authenticate", json={"outcome": "failure"}).raise_for_status()

    intent = client.v1.payment_intents.retrieve(intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"


def test_a_card_that_asks_for_authentication_is_declined_when_its_holder_is_away(pay: Any) -> None:
    with pytest.raises(stripe.CardError) as caught:
        pay(card="pm_card_authenticationRequired", off_session=True)
    assert caught.value.code == "authentication_required"


def test_a_card_set_up_once_is_not_asked_again(client: Any, control: Any, pay: Any) -> None:
    customer = client.v1.customers.create()
    first = pay(card="pm_card_authenticationRequiredOnSetup", customer=customer.id, setup_future_usage="off_session")
    control.post(f"/payment_intents/{first.id}/authenticate").raise_for_status()
    method = client.v1.payment_intents.retrieve(first.id).payment_method

    again = pay(card=method, customer=customer.id, off_session=True)

    assert again.status == "succeeded"


@pytest.mark.parametrize(("outcome", "status"), [("success", "succeeded"), ("failure", "requires_payment_method")])
def test_a_bank_payment_is_processing_until_the_bank_has_spoken(
    client: Any, control: Any, pay: Any, books: Any, outcome: Any, status: Any
) -> None:
    intent = pay(card="pm_usBankAccount_success")
    assert (intent.status, books(intent.id)["captured"]) == ("processing", 0)

    control.post(f"/payment_intents/{intent.id}/settle", json={"outcome": outcome}).raise_for_status()

    assert client.v1.payment_intents.retrieve(intent.id).status == status


def test_an_intent_goes_through_its_states_one_by_one(client: Any) -> None:
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "EUR", "metadata": {"order": "o1"}})
    assert (intent.status, intent.currency, intent.capture_method) == (
        "requires_payment_method",
        "eur",
        "automatic_async",
    )
    assert intent.client_secret.startswith(f"{intent.id}_secret_")

    intent = client.v1.payment_intents.update(
        intent.id, {"amount": 950, "payment_method": "pm_card_visa", "metadata": {"order": "", "cart": "c1"}}
    )
    assert (intent.status, intent.amount, intent.metadata.to_dict()) == ("requires_confirmation", 950, {"cart": "c1"})

    intent = client.v1.payment_intents.confirm(intent.id, {"return_url": "https://shop.example/back"})
    assert (intent.status, intent.amount_received) == ("succeeded", 950)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.update(intent.id, {"amount": 1})
    assert caught.value.code == "payment_intent_unexpected_state"


def test_confirming_where_redirects_are_allowed_wants_a_return_url(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.create(
            {"amount": 900, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        )
    assert client.v1.payment_intents.list().data == []


def test_a_browser_confirms_with_the_client_secret_and_nothing_else(client: Any, make_client: Any) -> None:
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "usd", "metadata": {"margin": "40"}})
    browser = make_client("pk_test_till")
    method = browser.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        browser.v1.payment_intents.confirm(intent.id, {"payment_method": method.id, "client_secret": "guess"})
    assert caught.value.http_status == 404
    with pytest.raises(stripe.AuthenticationError):
        browser.v1.payment_intents.list()

    paid = browser.v1.payment_intents.confirm(
        intent.id, {"payment_method": method.id, "client_secret": intent.client_secret}
    )
    assert paid.status == "succeeded"
    assert "metadata" not in paid.to_dict()


def test_a_manual_payment_holds_first_and_takes_all_when_captured(client: Any, pay: Any, books: Any) -> None:
    intent = pay(capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 2000, 0)

    captured = client.v1.payment_intents.capture(intent.id)

    assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 2000)
    assert books(intent.id)["released"] == 0


def test_a_partial_capture_takes_a_part_and_releases_the_rest(client: Any, pay: Any, books: Any) -> None:
    intent = pay(capture_method="manual")

    captured = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500, "expand": ["latest_charge"]})

    assert (captured.amount_received, captured.latest_charge.amount_captured) == (1500, 1500)
    money = books(intent.id)
    assert [money[name] for name in ("authorised", "captured", "released", "refunded")] == [2000, 1500, 500, 0]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match=r"\$15.01.*\$15.00"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1501})
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 1500


@pytest.mark.parametrize(("amount", "code"), [(2001, "amount_too_large"), (0, "parameter_invalid_integer")])
def test_more_than_was_authorised_cannot_be_captured(client: Any, pay: Any, amount: Any, code: Any) -> None:
    intent = pay(capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": amount})
    assert (caught.value.code, caught.value.param) == (code, "amount_to_capture")
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_capture"


def test_an_authorisation_not_captured_in_seven_days_is_let_go(client: Any, control: Any, pay: Any) -> None:
    intent = pay(capture_method="manual")
    control.post("/clock", json={"advance_seconds": 7 * 86400}).raise_for_status()
    assert client.v1.payment_intents.retrieve(intent.id).cancellation_reason == "automatic"


@pytest.mark.parametrize(
    "more", [{"confirm": False}, {"capture_method": "manual"}, {"card": "pm_card_authenticationRequired"}]
)
def test_an_intent_that_is_not_paid_can_be_canceled_once(client: Any, pay: Any, books: Any, more: Any) -> None:
    intent = pay(**more)

    canceled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})

    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert (books(intent.id)["captured"], books(intent.id)["capturable"]) == (0, 0)
    for again in (
        client.v1.payment_intents.cancel,
        client.v1.payment_intents.confirm,
        client.v1.payment_intents.capture,
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            again(intent.id)
        assert caught.value.code == "payment_intent_unexpected_state"


def test_a_paid_intent_cannot_be_canceled(client: Any, pay: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.cancel(pay().id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_capture_and_cancel_at_once_have_one_winner(client: Any, pay: Any, books: Any) -> None:
    for _ in range(10):
        intent = pay(capture_method="manual")
        with ThreadPoolExecutor(2) as pool:
            futures = [
                pool.submit(act, intent.id)
                for act in (client.v1.payment_intents.capture, client.v1.payment_intents.cancel)
            ]
        assert sorted(future.exception() is None for future in futures) == [False, True]
        assert books(intent.id)["honest"]


def test_refunds_add_up_to_what_was_captured_and_no_further(client: Any, pay: Any, books: Any) -> None:
    intent = pay()
    charge = intent.latest_charge
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"})
    with pytest.raises(stripe.InvalidRequestError, match=r"\(\$15.01\).*\(\$15.00\)") as caught:
        client.v1.refunds.create({"charge": charge, "amount": 1501})
    assert caught.value.param == "amount"

    rest = client.v1.refunds.create({"charge": charge})

    assert (rest.amount, rest.status) == (1500, "succeeded")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert caught.value.code == "charge_already_refunded"
    shown = client.v1.charges.retrieve(charge, {"expand": ["refunds", "payment_intent"]})
    assert (shown.amount_refunded, shown.refunded, shown.payment_intent.id) == (2000, True, intent.id)
    assert [refund.amount for refund in shown.refunds.data] == [1500, 500]
    assert client.v1.refunds.list({"payment_intent": intent.id}).data[0].id == rest.id
    assert books(intent.id)["refunded"] == 2000


def test_sixteen_refunds_at_once_give_back_no_more_than_was_captured(client: Any, pay: Any, books: Any) -> None:
    intent = pay()

    def refund(_: Any) -> Any:
        return client.v1.refunds.create({"payment_intent": intent.id, "amount": 300})

    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(refund, turn) for turn in range(16)]

    refused = [future.exception() for future in futures if future.exception()]
    assert len(refused) == 10
    assert {type(error) for error in refused} == {stripe.InvalidRequestError}
    assert (books(intent.id)["refunded"], books(intent.id)["honest"]) == (1800, True)


def test_a_pending_refund_counts_until_it_fails(client: Any, control: Any, pay: Any) -> None:
    intent = pay(card="pm_card_pendingRefund")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})

    control.post(f"/refunds/{refund.id}/settle", json={"outcome": "failure"}).raise_for_status()

    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 2000


def test_what_was_not_captured_cannot_be_refunded(client: Any, pay: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": pay(capture_method="manual").id})


def test_yen_have_no_minor_unit_and_dinars_end_in_zero(client: Any, pay: Any) -> None:
    assert pay(amount=500, currency="jpy").amount_received == 500
    dinars = pay(amount=1230, currency="kwd")
    assert dinars.amount_received == 1230
    for amount, currency, code in (
        (49, "jpy", "amount_too_small"),
        (49, "usd", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
        (1235, "kwd", "parameter_invalid_integer"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            pay(amount=amount, currency=currency)
        assert (caught.value.code, caught.value.param) == (code, "amount"), (amount, currency)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": dinars.id, "amount": 5})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(currency="zzz")
    assert caught.value.param == "currency"


def test_a_payment_method_pays_once_unless_a_customer_holds_it(client: Any, pay: Any) -> None:
    loose = card(client, "4242424242424242").id
    pay(card=loose)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(card=loose)

    customer = client.v1.customers.create({"email": "a@b.example"})
    held = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id}).id
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a Customer"):
        pay(card=held)
    assert [pay(card=held, customer=customer.id).status for _ in range(2)] == ["succeeded"] * 2
    assert [one.id for one in client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data] == [held]
    client.v1.payment_methods.detach(held)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(card=held, customer=customer.id)


def test_a_declined_card_cannot_be_attached(client: Any) -> None:
    customer = client.v1.customers.create()
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})


def test_a_customer_lives_changes_and_is_deleted(client: Any, pay: Any) -> None:
    customer = client.v1.customers.create({"email": "a@b.example", "payment_method": "pm_card_visa"})
    method = client.v1.customers.payment_methods.list(customer.id).data[0].id
    changed = client.v1.customers.update(
        customer.id, {"name": "Ada", "invoice_settings": {"default_payment_method": method}}
    )
    assert (changed.name, changed.invoice_settings.default_payment_method) == ("Ada", method)
    assert [one.id for one in client.v1.customers.list({"email": "a@b.example"}).data] == [customer.id]

    client.v1.customers.delete(customer.id)

    assert client.v1.customers.retrieve(customer.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        pay(customer=customer.id)


def test_lists_are_paged_newest_first(client: Any, pay: Any) -> None:
    made = [pay(amount=100 + turn).id for turn in range(5)]
    first = client.v1.payment_intents.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == ([made[4], made[3]], True)
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
