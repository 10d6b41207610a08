"""What a resource module declares: its routes, and for each the SDK type its parameters are checked against."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .accounts import Account
from .errors import StripeError, invalid_request
from .shapes import JsonObject


@dataclass(frozen=True, slots=True)
class Call:
    """One checked request: the account, the path's ids, the typed parameters (an emptied one is None)."""

    account: Account
    path: Mapping[str, str]
    params: JsonObject
    publishable: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    ``schema`` is the SDK's TypedDict. ``honours`` names the parameters the stand-in acts on; another one Stripe knows
    is refused aloud, because to ignore it would be to lie. None means all of them. ``browser`` holds what only
    Stripe.js sends; with it the route takes a publishable key.
    """

    method: str
    template: str
    schema: type
    handler: Callable[[Call], JsonObject]
    honours: frozenset[str] | None = None
    browser: Mapping[str, Any] | None = None
    result: str | None = None
    """The kind of object answered with, where the template does not tell."""
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the template: ``{intent}`` stands for one part of the path."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))
        object.__setattr__(self, "pattern", pattern)

    @property
    def name(self) -> str:
        """Give the method and template, for example ``POST /v1/payment_intents/{intent}/capture``."""
        return f"{self.method} {self.template}"

    def refuse_unsupported(self, params: JsonObject) -> None:
        """Raise a 400 for a parameter Stripe takes and the stand-in has no behaviour for."""
        if self.honours is None:
            return
        for name in params:
            if name not in self.honours and name != "expand" and name not in (self.browser or {}):
                raise invalid_request(
                    f"The local stand-in does not support {name} here; Stripe does.",
                    code="standin_unsupported_parameter",
                    param=name,
                )


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Give the route of a request and the ids in its path; raise Stripe's 404 when there is none."""
    for route in routes:
        if route.method == method:
            match = route.pattern.fullmatch(path)
            if match is not None:
                return route, match.groupdict()
    raise not_found(method, path)


def not_found(method: str, path: str) -> StripeError:
    """Make Stripe's answer to an address it does not have."""
    return invalid_request(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
        status=404,
    )
