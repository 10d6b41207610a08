"""Where a local stack lives: its folders and its ports."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TILL = ROOT / ".till"
SAM = TILL / "venvs" / "sam" / "bin" / "sam"
EMULATOR_PYTHON = TILL / "venvs" / "emulator" / "bin" / "python"
HOST = "127.0.0.1"
REGION = "us-east-1"
STACK_NAME = "till-local"
STAGE = "local"

# (field of Ports, what listens there, variable that moves it, default)
_PORTS = (
    ("front_door", "the shop's API", "TILL_PORT", 8080),
    ("emulator", "the AWS emulator", "TILL_EMULATOR_PORT", 4566),
    ("stripe", "the Stripe stand-in", "TILL_STRIPE_PORT", 12111),
    ("identity", "the identity provider", "TILL_IDENTITY_PORT", 8085),
    ("sign_in", "the sign-in page", "TILL_SIGN_IN_PORT", 8086),
)


class StackError(Exception):
    """Something the user can read and act on; its text is the whole message."""


@dataclass(frozen=True, slots=True)
class Ports:
    front_door: int
    emulator: int
    stripe: int
    identity: int
    sign_in: int

    @classmethod
    def from_environment(cls) -> "Ports":
        """The ports of ``make up``: the defaults, or what the environment says.

        Raises:
            StackError: a variable holds no port number.
        """
        chosen = {}
        for name, _, variable, default in _PORTS:
            text = os.environ.get(variable) or str(default)
            if not (text.isdecimal() and 0 < int(text) < 65536):
                raise StackError(f"{variable} must be a port number, not {text!r}.")
            chosen[name] = int(text)
        return cls(**chosen)

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody uses right now."""
        holders = [socket.socket() for _ in _PORTS]
        try:
            for holder in holders:
                holder.bind((HOST, 0))
            return cls(*(holder.getsockname()[1] for holder in holders))
        finally:
            for holder in holders:
                holder.close()

    def require_free(self) -> None:
        """Raise StackError that names the taken port, its use and the variable that moves it."""
        for name, use, variable, _ in _PORTS:
            port = getattr(self, name)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    raise StackError(
                        f"Port {port}, meant for {use}, is taken by another program.\n"
                        f"End that program, or choose another port: make up {variable}={port + 1}"
                    ) from None


@dataclass(frozen=True, slots=True)
class Settings:
    """One stack: its ports, and the folder that holds its data. Build output is shared by all stacks."""

    ports: Ports
    home: Path = TILL
    build: Path = field(default=TILL / "build")
    cache: Path = field(default=TILL / "cache")
    layers: Path = field(default=TILL / "layers")

    @property
    def data(self) -> Path:
        """What ``make down FRESH=1`` forgets."""
        return self.home / "data"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def scratch(self) -> Path:
        """Temporary files of the emulator's workers; emptied at every start."""
        return self.home / "scratch"

    @property
    def running(self) -> Path:
        """The record of a running stack: process ids and addresses."""
        return self.home / "running.json"

    @property
    def environment_file(self) -> Path:
        return self.home / "local.env"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports.front_door}"

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.ports.emulator}"

    @property
    def stripe_url(self) -> str:
        return f"http://{HOST}:{self.ports.stripe}"

    @property
    def issuer(self) -> str:
        return f"http://{HOST}:{self.ports.identity}"

    @property
    def sign_in_url(self) -> str:
        return f"http://{HOST}:{self.ports.sign_in}"

    @property
    def callback_url(self) -> str:
        """Where the sign-in page sends people back to: the little client that it has itself."""
        return f"{self.sign_in_url}/callback"


# The emulator accepts any credential. Nothing of the user's own AWS configuration may get into the local stack,
# and nothing of the local stack out of this machine.
AWS_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}


def child_environment(**extra: str) -> dict[str, str]:
    """The environment of our child processes: ours, without AWS settings, proxies or other tools' variables."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTEST_", "MAKE", "MFLAGS", "TILL_"))
        and name.lower() not in {"http_proxy", "https_proxy", "all_proxy", "virtual_env", "pythonpath", "pythonhome"}
    }
    return {**kept, "NO_PROXY": f"{HOST},localhost", "PYTHONUNBUFFERED": "1", **extra}


def aws_environment(endpoint_url: str) -> dict[str, str]:
    """What an AWS client needs to talk to the emulator and to nothing else."""
    return {**AWS_CREDENTIALS, "AWS_ENDPOINT_URL": endpoint_url, "AWS_EC2_METADATA_DISABLED": "true"}
