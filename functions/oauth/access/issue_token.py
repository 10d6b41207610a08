"""POST /oauth/token

A client exchanges an authorization code, a refresh token or its own credentials for an access token.

A refresh token is good once: the answer holds the next one, and using the old one again ends the sign-in for good.
A customer's first sign-in makes or finds the customer with their verified e-mail address. One IP address calls this and
`/oauth/revoke` 120 times a minute together.
"""

from commerce.http.api import PUBLIC_SCOPE, OAuthApi, Raw
from commerce.limits.budgets import Budgets
from commerce.limits.model import Quota
from commerce.oauth import use_cases
from commerce.oauth.contracts import TokenForm, TokenOut

app = OAuthApi()
budgets = Budgets("oauth", calls=Quota(120, seconds=60))


@app.post("/oauth/token", scope=PUBLIC_SCOPE, tenant_header=False, budgets=budgets)
def issue_token(form: TokenForm, raw: Raw) -> TokenOut:
    client = form.credentials(raw.headers.get("authorization", ""))
    return TokenOut.of(use_cases.issue(form.to_request(), client))


handler = app.handler
