"""What an operator does in the user pool, on AWS or on the emulator: with the AWS settings of the environment."""

from dataclasses import dataclass, field
from typing import Any

import boto3  # type: ignore[import-untyped, unused-ignore]

from commerce.oauth.model import ours

# What DescribeUserPoolClient tells and CreateUserPoolClient does not take.
_MADE_BY_COGNITO = ("ClientId", "ClientSecret", "CreationDate", "LastModifiedDate")


@dataclass(frozen=True, slots=True)
class AppClient:
    """An app client as the pool has it."""

    client_id: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, described: dict[str, Any]) -> "AppClient":
        return cls(
            client_id=described["ClientId"],
            redirect_uris=tuple(described.get("CallbackURLs") or ()),
            scopes=ours(" ".join(described.get("AllowedOAuthScopes") or ())),
            secret=described.get("ClientSecret"),
        )


class UserPool:
    """One pool. Its calls raise botocore's ClientError."""

    def __init__(self, pool_id: str) -> None:
        self._pool_id = pool_id
        self._cognito = boto3.client("cognito-idp")

    def client(self, client_id: str) -> AppClient:
        return AppClient.of(self._describe(client_id))

    def copy_client(self, client_id: str, name: str, redirect_uris: tuple[str, ...]) -> AppClient:
        """A new client with the settings of another one, for another shop or mode."""
        like = self._describe(client_id)
        settings = {
            key: value for key, value in like.items() if key not in _MADE_BY_COGNITO and value not in (None, "", [])
        }
        settings |= {"ClientName": name, "GenerateSecret": bool(like.get("ClientSecret"))}
        if redirect_uris:
            settings["CallbackURLs"] = list(redirect_uris)
        return AppClient.of(self._cognito.create_user_pool_client(**settings)["UserPoolClient"])

    def subject(self, person: str, *, invite: bool = False) -> str:
        """The id of a person: ``person`` itself, or of the user with that address; ``invite`` makes a new one."""
        if "@" not in person:
            return person
        try:
            found = self._cognito.admin_get_user(UserPoolId=self._pool_id, Username=person)
            attributes = found["UserAttributes"]
        except self._cognito.exceptions.UserNotFoundException:
            if not invite:
                raise
            made = self._cognito.admin_create_user(
                UserPoolId=self._pool_id,
                Username=person,
                UserAttributes=_attributes(email=person, email_verified="true"),
                DesiredDeliveryMediums=["EMAIL"],
            )
            attributes = made["User"]["Attributes"]
        return next(str(each["Value"]) for each in attributes if each["Name"] == "sub")

    def _describe(self, client_id: str) -> dict[str, Any]:
        found = self._cognito.describe_user_pool_client(UserPoolId=self._pool_id, ClientId=client_id)
        described: dict[str, Any] = found["UserPoolClient"]
        return described


def _attributes(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]
