"""Every route with the file of its handler, out of the handlers themselves."""

from functools import cache
from typing import Any

from commerce.http.api import Api, Route
from local.generate_openapi import FUNCTIONS, ROOT, load_handlers, logical_id


class Endpoint:
    """One route of one handler file. ``file`` is how ``tests.shop.Call`` names it."""

    def __init__(self, file: str, function: str, route: Route, api: Api) -> None:
        self.file, self.function, self.route, self.surface = file, function, route, api.surface

    @property
    def name(self) -> str:
        return f"{self.route.method} {self.route.path}"

    def ask(self, call: Any, **request: Any) -> Any:
        """Send a request to this route through ``call``."""
        return call(self.file, method=self.route.method, route=self.route.path, **request)

    def error_in(self, body: Any) -> Any:
        """The canonical error, out of the surface's own form of a refusal (contract X-03).

        Raises:
            AssertionError: it has another form.
        """
        if self.surface.name == "checkouts":
            assert set(body) == {"status", "title", "type", "errors", "details", "request_id"}
            assert isinstance(body["status"], int)
            assert body["errors"] == {each["field"]: each["message"] for each in body["details"] if each["field"]}
            named = {"code": body["type"].removeprefix("urn:till:error:"), "message": body["title"]}
            return named | {name: body[name] for name in ("details", "request_id")}
        bare = self.surface.name.startswith(("v2", "gift cards"))
        assert set(body) == ({"error"} if bare else {"success", "error"})
        assert body.get("success", False) is False
        return body["error"]


@cache
def endpoints() -> dict[str, Endpoint]:
    """By ``METHOD /path``."""
    found = {}
    for file, module in load_handlers().items():
        api = getattr(module, "app", None)
        if isinstance(api, Api):
            name = str((ROOT / file).relative_to(FUNCTIONS).with_suffix(""))
            for route in api.routes:
                endpoint = Endpoint(name, logical_id(file), route, api)
                found[endpoint.name] = endpoint
    return found
