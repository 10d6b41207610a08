"""GET /docs

A reader opens the API reference: Swagger UI over openapi.json.

Script and styles come from the package that carries them, through this function and from no third party. All
addresses are relative, so that the page works under a stage's prefix and under a domain of its own.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

from commerce.http.api import PUBLIC_SCOPE, PublicApi
from commerce.http.documents import Document
from commerce.kernel.errors import NotFound

app = PublicApi()

_HTML, _JS, _CSS = (f"text/{kind}; charset=utf-8" for kind in ("html", "javascript", "css"))
# The page runs its own scripts only and talks to its own origin only. Swagger UI sets style attributes.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
}
_PACKAGE_HEADERS = {"Cache-Control": "public, max-age=86400, stale-while-revalidate=604800"}
_HERE = Path(__file__).parent
_PACKAGE = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
_FILES = {
    "page.js": (_JS, _HERE / "page.js", _PAGE_HEADERS),
    "page.css": (_CSS, _HERE / "page.css", _PAGE_HEADERS),
    "swagger-ui.js": (_JS, _PACKAGE / "swagger-ui-bundle.min.js", _PACKAGE_HEADERS),
    "swagger-ui.css": (_CSS, _PACKAGE / "swagger-ui.min.css", _PACKAGE_HEADERS),
}


@app.get("/docs", scope=PUBLIC_SCOPE, tenant_header=False, hidden=True)
def show_docs() -> Document:
    return _page()


@app.get("/docs/{file}", scope=PUBLIC_SCOPE, tenant_header=False, hidden=True, name="show_docs_file")
def show_file(file: str) -> Document:
    if file not in _FILES:
        raise NotFound("file")
    return _file(file)


@cache
def _page() -> Document:
    return Document(_HTML, (_HERE / "page.html").read_text(encoding="utf-8"), _PAGE_HEADERS)


@cache
def _file(name: str) -> Document:
    content_type, source, headers = _FILES[name]
    return Document(content_type, source.read_text(encoding="utf-8"), headers)


handler = app.handler
