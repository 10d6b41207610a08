"""GET /files/{name}

Whoever has a link to a document downloads it, until the link ends.

The link itself is the proof: it is signed for one document of one shop. Its PDF is printed when it is first downloaded.
"""

from commerce.documents import files
from commerce.documents.contracts import FileQuery
from commerce.http.api import PUBLIC_SCOPE, Caller, PublicApi
from commerce.http.documents import Redirect
from commerce.limits.budgets import Budgets
from commerce.limits.model import Quota

app = PublicApi()
budgets = Budgets("files", calls=Quota(60, seconds=60))


@app.get("/files/{name}", scope=PUBLIC_SCOPE, tenant_header=False, budgets=budgets)
def download_file(caller: Caller, name: str, query: FileQuery) -> Redirect:
    return Redirect(files.open_link(name, query.token))


handler = app.handler
