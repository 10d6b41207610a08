"""The billing portal."""

from typing import Any

import pytest
import stripe

CANCEL = {"features": {"subscription_cancel": {"enabled": True, "mode": "immediately"}}}


def test_without_saved_settings_a_session_needs_a_configuration(client: Any, control: Any, customer: Any) -> None:
    owner = customer()
    with pytest.raises(stripe.InvalidRequestError, match="default configuration has not been created"):
        client.v1.billing_portal.sessions.create({"customer": owner.id})

    control.post("/billing_portal/default", json={"api_key": "sk_test_till"}).raise_for_status()

    session = client.v1.billing_portal.sessions.create({"customer": owner.id, "return_url": "https://shop.example"})
    assert session.url.startswith("https://billing.stripe.com/p/session/test_")
    assert (session.customer, session.return_url) == (owner.id, "https://shop.example")


def test_a_configuration_is_made_changed_and_used(client: Any, customer: Any, told: Any) -> None:
    made = client.v1.billing_portal.configurations.create(CANCEL | {"default_return_url": "https://shop.example"})
    assert (made.features.subscription_cancel.mode, made.features.invoice_history.enabled) == ("immediately", False)
    changed = client.v1.billing_portal.configurations.update(
        made.id, {"features": {"invoice_history": {"enabled": True}}, "metadata": {"a": "b"}}
    )
    assert (changed.features.subscription_cancel.enabled, changed.features.invoice_history.enabled) == (True, True)
    session = client.v1.billing_portal.sessions.create(
        {"customer": customer().id, "configuration": made.id, "expand": ["configuration"]}
    )
    assert (session.configuration.id, session.return_url) == (made.id, "https://shop.example")
    assert told("billing_portal") == [
        "billing_portal.configuration.created", "billing_portal.configuration.updated",
        "billing_portal.session.created",
    ]  # fmt: skip
    client.v1.billing_portal.configurations.update(made.id, {"active": False})
    assert client.v1.billing_portal.configurations.list({"active": True}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        client.v1.billing_portal.sessions.create({"customer": customer().id, "configuration": made.id})


def test_a_flow_is_about_the_customers_own_subscription_and_an_enabled_feature(
    client: Any, subscribe: Any, customer: Any
) -> None:
    subscription = subscribe()
    made = client.v1.billing_portal.configurations.create(CANCEL)
    flow = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    params = {"customer": subscription.customer, "configuration": made.id, "flow_data": flow}
    session = client.v1.billing_portal.sessions.create(params)
    assert session.flow.subscription_cancel.subscription == subscription.id
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.billing_portal.sessions.create(params | {"customer": customer().id})
    assert caught.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError, match="payment_method_update"):
        client.v1.billing_portal.sessions.create(params | {"flow_data": {"type": "payment_method_update"}})


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({}, "parameter_missing", "customer"),
        ({"customer": "own", "configuration": "bpc_none"}, "resource_missing", "configuration"),
        ({"customer": "own", "on_behalf_of": "acct_1"}, "standin_unsupported_parameter", "on_behalf_of"),
    ],
)
def test_a_session_stripe_would_not_open_is_refused(
    client: Any, customer: Any, params: Any, code: Any, param: Any
) -> None:
    given = params | ({"customer": customer().id} if params.get("customer") == "own" else {})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.billing_portal.sessions.create(given)
    assert (caught.value.code, caught.value.param) == (code, param)
