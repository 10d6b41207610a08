"""OAuth on the wire (contract AU-01, AU-02, AU-05)."""

from base64 import b64decode
from typing import Annotated, Any
from urllib.parse import unquote_plus

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from commerce.http.contracts import Output
from commerce.http.forms import Form
from commerce.kernel.errors import Malformed
from commerce.oauth.cognito import ClientCredentials, invalid_client
from commerce.oauth.use_cases import Authorization, Issued, TokenRequest

MAX_TOKEN_CHARACTERS = 8192
_Word = Annotated[str, Field(max_length=128)]
_Text = Annotated[str, Field(max_length=2048)]
_Token = Annotated[str, Field(max_length=MAX_TOKEN_CHARACTERS)]


class AuthorizeForm(Form):
    client_id: _Word = ""
    redirect_uri: Annotated[_Text, Field(description="Exactly one of those that the client was registered with")] = ""
    response_type: Annotated[_Word, Field(examples=["code"])] = ""
    scope: Annotated[_Text, Field(description="Separated by spaces; all of the client's when left out")] = ""
    state: Annotated[_Text, Field(description="Comes back as it was")] = ""
    nonce: Annotated[_Text, Field(description="Comes back in the ID token")] = ""
    prompt: Annotated[_Word, Field(description="`create` opens the page for signing up")] = ""
    code_challenge: Annotated[_Text, Field(description="PKCE (RFC 7636): SHA-256 of the verifier, base64url")] = ""
    code_challenge_method: Annotated[_Word, Field(examples=["S256"])] = ""

    def to_request(self) -> Authorization:
        return Authorization(**self.model_dump())


class ClientForm(Form):
    """A client authenticates in the body or with HTTP Basic (RFC 6749, section 2.3.1)."""

    client_id: _Word = ""
    client_secret: Annotated[_Text, Field(repr=False)] = ""

    def credentials(self, authorization: str) -> ClientCredentials:
        """Who the client says it is, in the body or in the ``Authorization`` header.

        Raises:
            Malformed: in both, or differently in both.
            Unauthenticated: nowhere.
        """
        basic = _basic(authorization)
        if basic is None:
            if not self.client_id:
                raise invalid_client()
            return ClientCredentials(self.client_id, self.client_secret or None)
        if self.client_secret or self.client_id not in ("", basic.client_id):
            raise Malformed("The client authenticates in one way only", field="client_id", reason="invalid_request")
        return basic


class TokenForm(ClientForm):
    grant_type: Annotated[
        _Word, Field(examples=["authorization_code"], description="Or `refresh_token`, `client_credentials`")
    ] = ""
    code: Annotated[_Text, Field(repr=False)] = ""
    redirect_uri: _Text = ""
    code_verifier: Annotated[_Text, Field(repr=False)] = ""
    refresh_token: Annotated[_Token, Field(repr=False)] = ""
    scope: Annotated[_Text, Field(description="Of client credentials; all of the client's when left out")] = ""

    def to_request(self) -> TokenRequest:
        return TokenRequest(**self.model_dump(exclude={"client_id", "client_secret"}))


class RevokeForm(ClientForm):
    token: Annotated[_Token, Field(repr=False, description="A refresh token or an access token")] = ""


class TokenOut(Output):
    """``expires_in`` counts seconds. What was not issued is left out."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  (a kind of token)
    expires_in: int
    scope: str
    refresh_token: str | None = None
    id_token: str | None = None

    @classmethod
    def of(cls, issued: Issued) -> "TokenOut":
        return cls(
            access_token=issued.tokens.access_token,
            expires_in=issued.tokens.expires_in,
            scope=issued.scope,
            refresh_token=issued.tokens.refresh_token,
            id_token=issued.tokens.id_token,
        )

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value is not None}


def _basic(authorization: str) -> ClientCredentials | None:
    """The client of an HTTP Basic header (RFC 7617), its parts in form encoding; None without one."""
    scheme, _, encoded = authorization.strip().partition(" ")
    if not authorization.strip():
        return None
    try:
        client_id, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise invalid_client() from None
    if scheme.lower() != "basic" or not colon:
        raise invalid_client()
    return ClientCredentials(unquote_plus(client_id), unquote_plus(secret) or None)
