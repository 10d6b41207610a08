"""The user pool in the template: its scopes are ours, and its clients can do no more than their kind."""

from typing import Any

import pytest

from commerce.access.model import CUSTOMER_SCOPES, MERCHANT_SCOPES
from commerce.oauth.model import IDENTITY_SCOPES, REFRESH_DAYS, RESOURCE_SERVER, REUSE_GRACE, SCOPES, ClientKind
from tests.template import template

CLIENTS = {
    ClientKind.STOREFRONT: "StorefrontClient",
    ClientKind.BACK_OFFICE: "BackOfficeClient",
    ClientKind.INTEGRATION: "IntegrationClient",
}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = template()["Resources"][name]["Properties"]
    return found


def test_the_resource_server_knows_the_scopes_of_merchants_and_customers() -> None:
    server = properties("Scopes")

    assert server["Identifier"] == RESOURCE_SERVER
    assert {each["ScopeName"] for each in server["Scopes"]} == MERCHANT_SCOPES | CUSTOMER_SCOPES


@pytest.mark.parametrize("kind", list(ClientKind))
def test_a_client_may_ask_for_what_its_kind_may_do(kind: ClientKind) -> None:
    identity = set() if kind is ClientKind.INTEGRATION else IDENTITY_SCOPES

    allowed = properties(CLIENTS[kind])["AllowedOAuthScopes"]

    assert set(allowed) == identity | {f"{RESOURCE_SERVER}/{scope}" for scope in SCOPES[kind]}
    assert len(allowed) <= 50  # of Cognito


@pytest.mark.parametrize("kind", [ClientKind.STOREFRONT, ClientKind.BACK_OFFICE])
def test_peoples_clients_keep_no_secret_and_their_refresh_tokens_rotate(kind: ClientKind) -> None:
    client = properties(CLIENTS[kind])

    assert not client.get("GenerateSecret")
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["RefreshTokenRotation"] == {
        "Feature": "ENABLED",
        "RetryGracePeriodSeconds": REUSE_GRACE.total_seconds(),
    }
    # Cognito refuses rotation beside this flow, and allows this flow where none is named.
    assert client["ExplicitAuthFlows"]
    assert "ALLOW_REFRESH_TOKEN_AUTH" not in client["ExplicitAuthFlows"]
    assert (client["RefreshTokenValidity"], client["TokenValidityUnits"]["RefreshToken"]) == (REFRESH_DAYS, "days")


@pytest.mark.parametrize("kind", list(ClientKind))
def test_access_tokens_live_an_hour_and_can_be_revoked(kind: ClientKind) -> None:
    client = properties(CLIENTS[kind])

    assert (client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]) == (1, "hours")
    assert client["EnableTokenRevocation"] is True
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_the_integration_has_a_secret_and_no_person_signs_in_with_it() -> None:
    client = properties("IntegrationClient")

    assert client["GenerateSecret"] is True
    assert client["AllowedOAuthFlows"] == ["client_credentials"]
    assert "CallbackURLs" not in client


def test_nobody_writes_that_an_address_is_verified_or_reads_without_it() -> None:
    for name in ("StorefrontClient", "BackOfficeClient"):
        assert "email_verified" not in properties(name)["WriteAttributes"]
        assert "email_verified" in properties(name)["ReadAttributes"]
    pool = properties("UserPool")
    assert pool["UsernameAttributes"] == pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["UserAttributeUpdateSettings"] == {"AttributesRequireVerificationBeforeUpdate": ["email"]}


def test_production_keeps_its_people() -> None:
    pool = template()["Resources"]["UserPool"]

    assert pool["DeletionPolicy"] == pool["UpdateReplacePolicy"] == "Retain"
    assert pool["Properties"]["DeletionProtection"] == {"Fn::If": ["IsProduction", "ACTIVE", "INACTIVE"]}
