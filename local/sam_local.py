"""``make sam-local``: one function in Lambda's own container, with its event from ``events/``.

Exit status: the function's run; 2 when something needed for it is missing.
"""

import argparse
import contextlib
import ipaddress
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.stack.settings import HOST, ROOT, SAM, TILL, aws_environment, child_environment

_NO_DOCKER = """\
`sam local invoke` runs a function in a container, and {missing}.

  Linux    your system's package (docker.io, docker-ce), then: sudo systemctl start docker
  macOS    Docker Desktop, Colima or Finch
  Windows  Docker Desktop with WSL 2

The first run also downloads Lambda's image for Python 3.13 (public.ecr.aws/lambda/python:3.13).
Without Docker, `make up` runs the same functions on this machine."""


def _missing() -> str | None:
    """What keeps containers from running here."""
    if shutil.which("docker") is None:
        return "Docker is not installed"
    done = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return "Docker is installed but does not answer" if done.returncode else None


def _event_of(function: str) -> Path | None:
    """The event file named after the function, in the words of its logical id or of its handler's file."""
    wanted = function.lower()
    for file in sorted((ROOT / "events").glob("*.json")):
        name = file.stem.replace("_", "").replace("-", "").lower()
        if wanted == name or wanted.endswith(name):
            return file
    return None


def _shell_environment() -> dict[str, str]:
    """The running stack's addresses, as a container reaches them."""
    file = TILL / "local.env"
    found = {}
    if file.exists():
        for line in file.read_text().splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            found[name] = value.strip("'")
    return found


def main() -> int:
    """Build, and invoke one function."""
    parser = argparse.ArgumentParser(prog="python -m local.sam_local", description=__doc__)
    parser.add_argument("function", help="logical id in template.yaml, such as V2GetHealth")
    parser.add_argument("--event", type=Path, help="event file; the one in events/ named after it when left out")
    # What follows goes to `sam local invoke` as it is: --skip-pull-image, --invoke-image …
    options, passed_on = parser.parse_known_args()
    missing = _missing()
    if missing:
        print(_NO_DOCKER.format(missing=missing), file=sys.stderr)
        return 2
    event = options.event or _event_of(options.function)
    if event is None:
        names = ", ".join(file.name for file in sorted((ROOT / "events").glob("*.json"))) or "none yet"
        print(f"No event file for {options.function}. There are: {names}. Name one with --event.", file=sys.stderr)
        return 2
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(TILL / "venvs" / "tools" / "bin"), os.environ["PATH"]]
    )
    environment = child_environment(SAM_CLI_TELEMETRY="0", PATH=path)
    built = subprocess.run([str(SAM), "build", options.function], cwd=ROOT, env=environment, check=False)
    if built.returncode:
        return built.returncode
    # Only variables that the template declares reach the function; the endpoint is one of them.
    running = _shell_environment()
    if not running:
        print("No stack has run here, so functions that read the table will answer 503; `make up` gives them one.")
    wanted = ("AWS_ENDPOINT_URL", "TABLE_NAME")
    values = {
        name: running[name].replace(f"http://{HOST}:", "http://host.docker.internal:")
        for name in wanted
        if name in running
    }
    variables = TILL / "sam-local.json"
    variables.parent.mkdir(exist_ok=True)
    variables.write_text(json.dumps({"Parameters": values}))
    arguments = ("--event", str(event), "--env-vars", str(variables), "--add-host", "host.docker.internal:host-gateway")
    endpoint = running.get("AWS_ENDPOINT_URL", f"http://{HOST}:4566")
    with _reachable_from_containers(int(endpoint.rpartition(":")[2])):
        return subprocess.run(
            [str(SAM), "local", "invoke", options.function, *arguments, *passed_on],
            cwd=ROOT,
            env=environment | aws_environment(endpoint),
            check=False,
        ).returncode


@contextmanager
def _reachable_from_containers(port: int) -> Iterator[None]:
    """Relay ``port`` of the containers' side of this host to loopback, where alone the emulator listens.

    Docker on macOS and Windows brings containers to the host's loopback by itself; on Linux they see the bridge.
    """
    try:
        relay = _Relay((_bridge_address(), port), _Relayed)
    except (OSError, ValueError, LookupError):  # there is no bridge, or it is no address of this machine
        yield
        return
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        relay.shutdown()
        relay.server_close()


def _bridge_address() -> str:
    """This host as containers see it: the gateway of Docker's bridge, by default the first address of its network."""
    inspect = ["docker", "network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"]
    shown = subprocess.run(inspect, capture_output=True, text=True, check=False)
    network = json.loads(shown.stdout)[0]
    return str(network.get("Gateway") or next(ipaddress.ip_network(network["Subnet"]).hosts()))


class _Relay(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Relayed(socketserver.BaseRequestHandler):
    """One connection, copied both ways to the same port of loopback."""

    def handle(self) -> None:
        with socket.create_connection((HOST, self.request.getsockname()[1])) as inner:
            back = threading.Thread(target=_copy, args=(inner, self.request), daemon=True)
            back.start()
            _copy(self.request, inner)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    raise SystemExit(main())
