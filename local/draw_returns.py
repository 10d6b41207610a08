"""Draw the workflow of a return into ``docs/returns.md`` from its definition. ``--check`` fails if it would change."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "returns.md"
DEFINITION = ROOT / "functions" / "workflows" / "return_lifecycle" / "definition.asl.json"
_BEGIN = "<!-- Drawn by local/draw_returns.py from the definition; do not edit. -->\n"
_END = "<!-- Drawn until here. -->\n"


def page(text: str) -> str:
    """The document ``text`` with the drawing of now in place of the one in it."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{drawing(json.loads(DEFINITION.read_text()))}{_END}{after}"


def drawing(definition: dict[str, Any]) -> str:
    """A definition as a Mermaid diagram, and what each state is for."""
    states = definition["States"]
    lines = [
        "\n```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {definition['StartAt']}",
        *(f"    {line}" for name, state in states.items() for line in _drawn(name, state)),
        "```",
        "\n| state | what it is | what it is for | if it fails |",
        "|---|---|---|---|",
        *(f"| {name} | {_kind(state)} | {state['Comment']} | {_failing(state)} |" for name, state in states.items()),
    ]
    return "\n".join(lines) + "\n\n"


def _drawn(name: str, state: dict[str, Any]) -> Iterator[str]:
    if state["Type"] == "Choice":
        yield f"state {name} <<choice>>"
        for choice in state["Choices"]:
            yield f"{name} --> {choice['Next']}: {choice['StringEquals']}"
        yield f"{name} --> {state['Default']}: else"
    elif state["Type"] in ("Succeed", "Fail"):
        yield f"{name} --> [*]"
    else:
        yield f"{name} --> {state['Next']}"


def _kind(state: dict[str, Any]) -> str:
    if state["Type"] == "Task":
        return "waits" if state["Resource"].endswith(".waitForTaskToken") else "does"
    return {"Choice": "decides by the answer", "Succeed": "end", "Fail": "end, with an alarm"}[state["Type"]]


def _failing(state: dict[str, Any]) -> str:
    if state["Type"] != "Task":
        return ""
    tries = sum(retry["MaxAttempts"] for retry in state["Retry"])
    after = {
        "States.Timeout": f"after {state['TimeoutSeconds'] // 86400} days without news",
        "States.ALL": f"after {tries} more tries",
    }
    return "; ".join(f"{after[error]}: {catch['Next']}" for catch in state["Catch"] for error in catch["ErrorEquals"])


def main() -> int:
    """Write the document; with ``--check``, 1 when it is not current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = FILE.read_text()
    drawn = page(text)
    if drawn == text:
        return 0
    if check:
        print(f"{FILE.relative_to(ROOT)} is not what the definition says: run local/draw_returns.py", file=sys.stderr)
        return 1
    FILE.write_text(drawn)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
