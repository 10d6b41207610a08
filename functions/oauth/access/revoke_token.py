"""POST /oauth/revoke

A client ends a sign-in: its refresh token and all its access tokens (RFC 7009).

A token that is unknown or ended already is answered alike, with 200. One IP address calls this and `/oauth/token` 120
times a minute together.
"""

from commerce.http.api import PUBLIC_SCOPE, OAuthApi, Raw
from commerce.limits.budgets import Budgets
from commerce.limits.model import Quota
from commerce.oauth import use_cases
from commerce.oauth.contracts import RevokeForm

app = OAuthApi()
budgets = Budgets("oauth", calls=Quota(120, seconds=60))


@app.post("/oauth/revoke", scope=PUBLIC_SCOPE, tenant_header=False, budgets=budgets)
def revoke_token(form: RevokeForm, raw: Raw) -> None:
    use_cases.revoke(form.token, form.credentials(raw.headers.get("authorization", "")))


handler = app.handler
