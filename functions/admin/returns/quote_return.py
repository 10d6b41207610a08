"""GET /admin/returns/{return_id}/quote

A merchant sees what goes back for a return, and why that much.

It is what `refund` would give back now. Once the return is refunded, it is what was given.
"""

from commerce.http.api import AdminApi, Caller
from commerce.returns import queries
from commerce.returns.contracts import QuoteOut

app = AdminApi()


@app.get("/admin/returns/{return_id}/quote", scope="returns:read")
def quote_return(caller: Caller, return_id: str) -> QuoteOut:
    return QuoteOut.of(queries.quote(caller.tenant, return_id))


handler = app.handler
