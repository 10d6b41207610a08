"""The real template on the emulator: ``sam build`` and ``sam deploy``, left out where nothing changed."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped, unused-ignore]
from botocore.exceptions import ClientError  # type: ignore[import-untyped, unused-ignore]

from local.stack.settings import (
    AWS_CREDENTIALS,
    REGION,
    ROOT,
    SAM,
    STACK_NAME,
    STAGE,
    TILL,
    Settings,
    StackError,
    aws_environment,
    child_environment,
)

_SOURCES = ("template.yaml", "openapi.yaml", "samconfig.toml", "functions", "layers")


def client(service: str, endpoint_url: str) -> Any:
    """A boto3 client that talks to the emulator, whatever the user's AWS configuration says."""
    return boto3.session.Session(
        aws_access_key_id=AWS_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=AWS_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    ).client(service, endpoint_url=endpoint_url)


def build(settings: Settings) -> tuple[str, bool]:
    """Run ``sam build`` unless the sources are those of the last build; give their digest and whether it ran.

    Raises:
        StackError: it failed; with the end of its output.
    """
    if not SAM.exists():
        raise StackError("aws-sam-cli is not installed yet. Run: make environments")
    stamp = settings.build / ".sources"
    with _build_lock(settings):
        sources = _fingerprint()
        if stamp.exists() and stamp.read_text() == sources:
            return sources, False
        _sam(
            settings,
            "build",
            *("--build-dir", str(settings.build), "--cache-dir", str(settings.cache)),
            environment={"LAYER_PLATFORM": "native"},
        )
        stamp.write_text(sources)
    return sources, True


def deploy(settings: Settings, sources: str, parameters: dict[str, str]) -> bool:
    """Run ``sam deploy`` unless the same build stands there with the same parameters; give whether it ran.

    Raises:
        StackError: it failed; with the reasons that the stack's events give.
    """
    stamp = settings.data / "deployed"
    wanted = json.dumps([sources, sorted(parameters.items())])
    status = _status(settings)
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        if stamp.exists() and stamp.read_text() == wanted:
            return False
    elif status and not status.startswith("UPDATE"):
        # A stack that was never complete cannot be updated, and nothing in it is worth keeping.
        client("cloudformation", settings.endpoint_url).delete_stack(StackName=STACK_NAME)
    with _build_lock(settings):
        try:
            _sam(
                settings,
                "deploy",
                *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", STAGE),
                *("--template-file", str(settings.build / "template.yaml")),
                *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
                environment=aws_environment(settings.endpoint_url),
            )
        except StackError as error:
            reasons = _reasons(settings)
            raise StackError(
                "\n".join(["The stack could not be deployed:", *reasons]) if reasons else str(error)
            ) from None
    stamp.write_text(wanted)
    return True


def gift_card_key(settings: Settings) -> str:
    """The secret that gift cards' PINs come from, for what makes cards past the functions."""
    name = _physical(settings, "GiftCardKey")
    return str(client("secretsmanager", settings.endpoint_url).get_secret_value(SecretId=name)["SecretString"])


def close_days(settings: Settings) -> None:
    """Do now what the schedule does every hour: close the days that are over."""
    name = _physical(settings, "SchedulesCloseDays")
    client("lambda", settings.endpoint_url).invoke(FunctionName=name, InvocationType="Event")


def _physical(settings: Settings, resource: str) -> str:
    found = client("cloudformation", settings.endpoint_url).describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=resource
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def outputs(settings: Settings) -> dict[str, str]:
    """The stack's outputs, by name."""
    found = client("cloudformation", settings.endpoint_url).describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def put_secret(settings: Settings, name: str, value: dict[str, str]) -> None:
    """Create the secret ``name``, or give it a new value when it has another."""
    secrets = client("secretsmanager", settings.endpoint_url)
    text = json.dumps(value)
    try:
        secrets.create_secret(Name=name, SecretString=text)
    except secrets.exceptions.ResourceExistsException:
        if secrets.get_secret_value(SecretId=name)["SecretString"] != text:
            secrets.put_secret_value(SecretId=name, SecretString=text)


def verify_address(settings: Settings, address: str) -> None:
    """Let the stack send mails from ``address``; the emulator believes us that it is ours."""
    client("sesv2", settings.endpoint_url).create_email_identity(EmailIdentity=address)


def _sam(settings: Settings, command: str, *arguments: str, environment: dict[str, str]) -> None:
    """Run the SAM CLI with its output in a log file; raise StackError with the end of it when it fails."""
    log = settings.logs / f"sam-{command}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # `sam build` and the layer's Makefile look for Python 3.13 and uv on the path.
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(TILL / "venvs" / "tools" / "bin"), os.environ["PATH"]]
    )
    with log.open("wb") as output:
        done = subprocess.run(
            [str(SAM), command, *arguments],
            cwd=ROOT,
            env=child_environment(SAM_CLI_TELEMETRY="0", PATH=path, **environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        text = log.read_text(errors="replace").splitlines()[-15:]
        raise StackError(
            "\n".join([f"sam {command} failed:", *(f"  | {line}" for line in text), f"  all of it: {log}"])
        )


def _status(settings: Settings) -> str:
    """The stack's status; empty when there is none."""
    try:
        found = client("cloudformation", settings.endpoint_url).describe_stacks(StackName=STACK_NAME)["Stacks"]
    except ClientError:
        return ""
    status = str(found[0]["StackStatus"]) if found else ""
    return "" if status == "DELETE_COMPLETE" else status


def _reasons(settings: Settings) -> list[str]:
    """What failed by itself, first failure first: a line per resource, without those cancelled along with it."""
    try:
        answer = client("cloudformation", settings.endpoint_url).describe_stack_events(StackName=STACK_NAME)
    except ClientError:
        return []
    found = [
        f"  {each['LogicalResourceId']} ({each['ResourceType']}): {each['ResourceStatusReason']}"
        for each in reversed(answer["StackEvents"])
        if each["ResourceStatus"].endswith("_FAILED")
        and "cancelled" not in each.get("ResourceStatusReason", "cancelled")
    ]
    return list(dict.fromkeys(found))[:8]


def _fingerprint() -> str:
    """A digest of everything that the build reads."""
    digest = hashlib.sha256()
    for source in _SOURCES:
        path = ROOT / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@contextmanager
def _build_lock(settings: Settings) -> Iterator[None]:
    """Stacks share one build: none builds while another one builds or uploads."""
    settings.build.parent.mkdir(parents=True, exist_ok=True)
    with settings.build.with_name("build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
