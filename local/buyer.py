"""Somebody who buys in the running shop over HTTP and tells each step."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx

from local.stack.shop import call


class UnexpectedError(Exception):
    """A step did not answer as expected."""


class Buyer:
    """Somebody who tells what they do."""

    def __init__(self, shop: dict[str, str]) -> None:
        self._shop = shop
        self._number = 0

    @property
    def url(self) -> str:
        return self._shop["TILL_URL"]

    def credential(self, name: str) -> str:
        """The credential that a variable holds."""
        return self._shop[name]

    def step(self, title: str) -> None:
        self._number += 1
        print(f"\n{self._number}. {title}", flush=True)

    def ask(
        self,
        method: str,
        path: str,
        *,
        who: str = "",
        status: int = 200,
        show: Callable[[Any], Any] | None = None,
        **options: Any,
    ) -> Any:
        """One request, told with its answer; ``who`` is the variable that holds the credential.

        Raises:
            UnexpectedError: another status than ``status``.
        """
        sent = {name: "…" if name == "pin" else value for name, value in options.get("json", {}).items()}
        print(
            f"   {method} {path}{' ' + json.dumps(sent, ensure_ascii=False) if 'json' in options else ''}", flush=True
        )
        began = time.monotonic()
        if who:
            answer = call(self.url, method, path, self.credential(who), **options)
        else:
            answer = httpx.request(method, self.url + path, timeout=60, trust_env=False, **options)
        milliseconds = (time.monotonic() - began) * 1000
        self.tell(f"{answer.status_code} in {milliseconds:.0f} ms")
        if answer.status_code != status:
            raise UnexpectedError(f"expected {status}: {answer.text[:500]}")
        body = json.loads(answer.text, parse_float=Decimal)
        if show:
            self.tell(json.dumps(show(body), default=float, ensure_ascii=False))
        return body

    def tell(self, text: str) -> None:
        print(f"   -> {text}", flush=True)


def expect(truth: bool, otherwise: str) -> None:
    """Raise UnexpectedError with ``otherwise`` unless ``truth``."""
    if not truth:
        raise UnexpectedError(otherwise)
