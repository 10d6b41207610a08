"""A stage for the matrix: an emulator of its own, with the worlds in its table."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.counts import show
from tests.faults.conftest import running
from tests.matrix.world import Stage, World


def pytest_terminal_summary(terminalreporter: Any) -> None:
    show(terminalreporter, "cells of the authorization matrix")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running(tmp_path_factory.mktemp("emulator"), "till-matrix"), Stage.set_up() as stage:
        yield stage


@pytest.fixture
def world(stage: Stage) -> Iterator[World]:
    """The shop to which requests are sent, as good as new."""
    with stage.anew() as world:
        yield world
