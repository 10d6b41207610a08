"""Child processes: started with a log file, awaited until they answer, stopped by their own id."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.stack.settings import StackError


@dataclass(frozen=True, slots=True)
class Child:
    """One running server of the stack."""

    name: str
    marker: str  # part of its command line, by which it is known again
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls, name: str, marker: str, command: Sequence[str], *, log: Path, environment: dict[str, str], directory: Path
    ) -> "Child":
        """Start ``command`` in a session of its own, so that Ctrl-C reaches us first and we stop it in order."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=directory,
                start_new_session=True,
            )
        return cls(name, marker, process, log)

    def wait_until_ready(self, url: str, *, seconds: float = 60) -> None:
        """Return when ``url`` answers at all.

        Raises:
            StackError: the process ended, or did not answer in time; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.require_alive()
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url, timeout=2, trust_env=False)
                return
            time.sleep(0.1)
        raise StackError(f"{self.name} did not answer within {seconds:.0f} s.\n{self.last_words()}")

    def require_alive(self) -> None:
        """Raise StackError, with the end of its log, when the process has ended."""
        if self.process.poll() is not None:
            raise StackError(f"{self.name} ended with status {self.process.returncode}.\n{self.last_words()}")

    def last_words(self, lines: int = 12) -> str:
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([*(f"  | {line}" for line in text), f"  its log: {self.log}"])

    def stop(self, *, seconds: float = 60) -> None:
        """Ask it to end and wait; after ``seconds``, end it and what it started."""
        stop_process(self.process.pid, seconds=seconds, reap=self.process)


def stop_process(pid: int, *, seconds: float, reap: subprocess.Popen[bytes] | None = None) -> None:
    """SIGTERM to one process, SIGKILL to its session when it does not end in time."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (reap.poll() is not None) if reap else not is_running(pid):
            break
        time.sleep(0.05)
    # Workers that outlived a server that was killed share its session.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if reap:
        reap.wait()


def is_running(pid: int, *, command: str = "") -> bool:
    """Whether process ``pid`` runs, and its command line contains ``command``: ids are reused."""
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return shown.returncode == 0 and command in shown.stdout and "<defunct>" not in shown.stdout
