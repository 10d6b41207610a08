"""Whether an answer keeps what a documented sample promises: its names, its JSON types and its forms.

What the sample shows must be there. What it does not show may be: fields are added without notice.
"""

import copy
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_FORMS = (
    ("instant", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("id", re.compile(r"([a-z]+)_[A-Za-z0-9_.\-]+")),
)


def differences(sample: Any, answer: Any, decimals: frozenset[str] = frozenset(), path: str = "") -> list[str]:
    """What an answer lacks of a sample, in words; nothing when it keeps all of it.

    Args:
        decimals: paths whose numbers may have a fraction although the sample's has none (``"discount": 0``).
    """
    if kind(sample) == "object" == kind(answer):
        return _in_object(sample, answer, decimals, path)
    if kind(sample) == "array" == kind(answer):
        return _in_array(sample, answer, decimals, path)
    wanted = "decimal" if path in decimals else kind(sample)
    if not _fits(wanted, kind(answer)):
        return [f"{path}: {kind(answer)} instead of {wanted}"]
    if isinstance(sample, str) and _form(sample, path) != _form(answer, path):
        return [f"{path}: not the form of {sample!r}"]
    return []


def kind(value: Any) -> str:
    """The JSON type; numbers are told apart by whether they are written with a fraction."""
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    names = ((str, "string"), (int, "integer"), (Decimal, "decimal"), (dict, "object"), (list, "array"))
    return next(name for type_, name in names if isinstance(value, type_))


def _fits(wanted: str, found: str) -> bool:
    return found == wanted or (wanted == "decimal" and found == "integer")


def _form(text: str, path: str) -> str:
    """What kind of text this is. Only fields that are named as ids hold ids."""
    for name, pattern in _FORMS:
        match = pattern.fullmatch(text)
        if match and name != "id":
            return name
        if match and re.search(r"(^|[._])id$", path):
            return match[1]
    return ""


def _in_object(sample: Any, answer: Any, decimals: frozenset[str], path: str) -> list[str]:
    found = []
    for name, value in sample.items():
        below = f"{path}.{name}".lstrip(".")
        found += differences(value, answer[name], decimals, below) if name in answer else [f"{below}: missing"]
    return found


def _in_array(sample: list[Any], answer: list[Any], decimals: frozenset[str], path: str) -> list[str]:
    """Every row is like the sample's one row; where it shows rows of several types, each type is among the rows."""
    below = f"{path}[]"
    if sample and not answer:
        return [f"{path}: no rows"]
    if len({row.get("type") for row in sample if isinstance(row, dict)}) <= 1:
        return [each for row in answer for each in differences(sample[0], row, decimals, below)] if sample else []
    found = []
    for wanted in sample:
        rows = [row for row in answer if isinstance(row, dict) and row.get("type") == wanted["type"]]
        if not rows:
            found.append(f"{below}: no row of type {wanted['type']}")
        found += [each for row in rows for each in differences(wanted, row, decimals, below)]
    return found


def values(document: Any, path: str) -> list[Any]:
    """All values at a path such as ``data.items[].unit_price``."""
    found = [document]
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = [each[name] for each in found]
        if step.endswith("[]"):
            found = [row for rows in found for row in rows]
    return found


def spoiled(document: Any) -> Iterator[tuple[str, Any]]:
    """Copies of a document with one thing wrong each: a name missing, or a value of another JSON type."""
    for *parents, last in _places(document):
        where = "/".join(map(str, (*parents, last)))
        if isinstance(last, str):
            changed, holder = _copied(document, parents)
            del holder[last]
            yield f"{where} missing", changed
        changed, holder = _copied(document, parents)
        holder[last] = 7 if kind(holder[last]) == "string" else str(holder[last])
        yield f"{where} of another type", changed


def _copied(document: Any, steps: list[Any]) -> tuple[Any, Any]:
    """A copy, and what stands in it at ``steps``."""
    holder = changed = copy.deepcopy(document)
    for step in steps:
        holder = holder[step]
    return changed, holder


def _places(document: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if document is None:  # an answer without a body
        return
    steps = document.items() if isinstance(document, dict) else enumerate(document)
    for step, value in steps:
        yield (*above, step)
        if isinstance(value, dict | list):
            yield from _places(value, (*above, step))
