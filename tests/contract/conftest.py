"""The report of the wire."""

from typing import Any

from tests.counts import show


def pytest_terminal_summary(terminalreporter: Any) -> None:
    show(terminalreporter, "bad requests refused")
