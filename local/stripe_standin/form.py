"""Read Stripe's form encoding: ``a[b][0]=x`` is ``{"a": {"b": {"0": "x"}}}``."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from .errors import invalid_request

type Tree = dict[str, str | Tree]

KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
SEGMENT = re.compile(r"\[([^\[\]]*)\]")


def pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Split an encoded body or query into its pairs, keeping empty values: an empty value unsets a field."""
    return parse_qsl(encoded.decode("utf-8", "replace"), keep_blank_values=True)


def tree(fields: Iterable[tuple[str, str]]) -> Tree:
    """Nest the pairs by their brackets; ``a[]`` appends.

    Raises:
        StripeError: 400 when a key is malformed, or when one name is both a value and an object.
    """
    root: Tree = {}
    for key, value in fields:
        match = KEY.match(key)
        if match is None:
            raise invalid_request(f"Invalid parameter name: {key}", param=key)
        path = [match[1], *SEGMENT.findall(match[2])]
        _place(root, path, value, key)
    return root


def _place(root: Tree, path: list[str], value: str, key: str) -> None:
    node = root
    for step in path[:-1]:
        child = node.setdefault(step or str(len(node)), {})
        if isinstance(child, str):
            raise invalid_request(f"Invalid parameter: {key} is given as a value and as an object", param=key)
        node = child
    last = path[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise invalid_request(f"Invalid parameter: {key} is given as a value and as an object", param=key)
    node[last] = value
