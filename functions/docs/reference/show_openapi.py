"""GET /openapi.json

A program reads the API description.
"""

from functools import cache
from pathlib import Path

from commerce.http.api import PUBLIC_SCOPE, PublicApi
from commerce.http.documents import Document

app = PublicApi()
_FILE = Path(__file__).with_name("openapi.json")
# The description is public; tools on other origins may read it.
_HEADERS = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}


@app.get("/openapi.json", scope=PUBLIC_SCOPE, tenant_header=False, hidden=True)
def show_openapi() -> Document:
    return _description()


@cache
def _description() -> Document:
    return Document("application/json", _FILE.read_text(encoding="utf-8"), _HEADERS)


handler = app.handler
