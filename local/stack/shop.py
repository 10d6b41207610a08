"""The demo shop on a running stack: its tenant, its owner key, its customer."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.stack.settings import ROOT, Settings, StackError, aws_environment, child_environment

TENANT = "ten_demo"
_OPENING = (
    *("--name", "Harbor & Pine"),
    *("--currency", "USD"),
    *("--timezone", "America/New_York"),
    *("--country", "US"),
    *("--warehouse", "wh_001"),
    *("--warehouse", "wh_002"),
)


@dataclass
class Kept:
    """Facts that outlive a stop, in a file that only the user may read."""

    file: Path

    def read(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in json.loads(self.file.read_text()).items()} if self.file.exists() else {}

    def put(self, **facts: str) -> dict[str, str]:
        """Add facts; give all of them."""
        every = {**self.read(), **facts}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.touch(mode=0o600)
        self.file.write_text(json.dumps(every, indent=1))
        return every


def owner_key(settings: Settings, table: str, known: str | None) -> str:
    """The owner key of the demo shop: the known one while it works, otherwise of a shop opened now.

    Raises:
        StackError: the tenant could not be created, in the command's own words.
    """
    if known and _works(settings.url, known):
        return known
    opened = _create_tenant(settings, table, *_OPENING)
    if opened.returncode:
        # The shop is there but its key is lost: the keys' file was removed, the data was not.
        again = _create_tenant(settings, table, "--new-owner-key")
        if again.returncode:
            raise StackError(f"The demo shop could not be opened: {opened.stderr.strip()}")
        opened = again
    return str(json.loads(opened.stdout)["api_key"])


def _create_tenant(settings: Settings, table: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    common = ("--tenant", TENANT, "--mode", "test", "--table", table)
    return subprocess.run(
        [sys.executable, "-m", "local.create_tenant", *common, *arguments],
        cwd=ROOT,
        env=child_environment(**aws_environment(settings.endpoint_url)),
        capture_output=True,
        text=True,
        check=False,
    )


def _works(url: str, key: str) -> bool:
    answer = call(url, "GET", "/v2/products", key, params={"limit": "1"})
    return answer.status_code == 200


def call(url: str, method: str, path: str, credential: str, **options: Any) -> httpx.Response:
    """One request with a bearer credential. A function's first call starts its process, which may take seconds."""
    headers = {"Authorization": f"Bearer {credential}", **options.pop("headers", {})}
    return httpx.request(method, url + path, headers=headers, timeout=60, trust_env=False, **options)
