"""``make mails``: the newest mails that the running shop sent, as their recipients read them as plain text."""

import argparse
import json
import sys
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import Any

import httpx

from local.stack.settings import Ports, Settings, StackError


def address(settings: Settings) -> str:
    """Where the emulator tells all mails, with their pages, as JSON."""
    return f"{settings.endpoint_url}/_ministack/ses/messages"


def sent(settings: Settings) -> list[dict[str, Any]]:
    """All mails of the running shop, the newest first.

    Raises:
        StackError: no shop is running.
    """
    try:
        answer = httpx.get(address(settings), timeout=10, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        raise StackError("No shop is running here. Start one: make up") from None
    mails = [mail for account in answer.json()["messages"].values() for mail in account]
    return sorted(mails, key=lambda mail: float(mail["Timestamp"]), reverse=True)


def told(mail: dict[str, Any]) -> str:
    """One mail: its headers, and its text indented."""
    headers = {
        "sent": f"{datetime.fromtimestamp(mail['Timestamp'], UTC):%Y-%m-%d %H:%M:%S} UTC",
        "from": make_header(decode_header(mail["Source"])),
        "to": ", ".join(mail["To"]),
        "subject": mail["Subject"],
    }
    text = (f"  | {line}".rstrip() for line in mail["BodyText"].splitlines())
    return "\n".join([*(f"{name:<9}{value}" for name, value in headers.items()), *text, ""])


def _running() -> Settings:
    """The settings of the stack that runs: its record says at which ports."""
    settings = Settings(Ports.from_environment())
    if settings.running.exists():
        return Settings(Ports(**json.loads(settings.running.read_text())["ports"]))
    return settings


def main() -> int:
    """Tell the newest mails, the newest last; 1 when no shop is running."""
    parser = argparse.ArgumentParser(prog="python -m local.mails", description=__doc__)
    parser.add_argument("--last", type=int, default=5, help="how many (5)")
    last = parser.parse_args().last
    try:
        mails = sent(_running())
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    for mail in reversed(mails[:last]):
        print(told(mail))
    print(f"{min(last, len(mails))} of {len(mails)} mails")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
