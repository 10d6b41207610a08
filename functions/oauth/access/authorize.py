"""GET /oauth/authorize

A customer or a staff member goes to sign in, or to sign up.

The browser is redirected to the sign-in page, and from there to `redirect_uri` with a `code` and the `state`
(RFC 6749, section 4.1). PKCE with S256 is required. An unknown client or address is refused here; any other error
travels to `redirect_uri`.
"""

from commerce.http.api import PUBLIC_SCOPE, OAuthApi
from commerce.http.documents import Redirect
from commerce.oauth import use_cases
from commerce.oauth.contracts import AuthorizeForm

app = OAuthApi()


@app.get("/oauth/authorize", scope=PUBLIC_SCOPE, tenant_header=False, status=302)
def authorize(form: AuthorizeForm) -> Redirect:
    return Redirect(use_cases.authorize(form.to_request()))


handler = app.handler
