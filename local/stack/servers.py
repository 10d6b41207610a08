"""The servers of a local stack: the AWS emulator, and what stands beside it."""

import shutil
import sys
from pathlib import Path

from local.stack.processes import Child
from local.stack.settings import (
    AWS_CREDENTIALS,
    EMULATOR_PYTHON,
    HOST,
    REGION,
    ROOT,
    STAGE,
    Settings,
    StackError,
    child_environment,
)


def start_emulator(settings: Settings) -> Child:
    """Start the AWS emulator; it loads what it kept and saves it when it is stopped."""
    if not EMULATOR_PYTHON.exists():
        raise StackError("The emulator is not installed yet. Run: make environments")
    shutil.rmtree(settings.scratch, ignore_errors=True)
    for folder in (settings.scratch, settings.data / "aws", settings.data / "s3"):
        folder.mkdir(parents=True, exist_ok=True)
    child = Child.start(
        "The AWS emulator",
        "emulator_main.py",
        # -P: the folder of this file must not be where the emulator looks for modules.
        [str(EMULATOR_PYTHON), "-P", str(Path(__file__).with_name("emulator_main.py"))],
        log=settings.logs / "emulator.log",
        # Its workers, our functions, inherit this environment.
        environment=child_environment(
            **AWS_CREDENTIALS,
            BIND_HOST=HOST,
            GATEWAY_PORT=str(settings.ports.emulator),
            MINISTACK_HOST=HOST,
            MINISTACK_REGION=REGION,
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
            PERSIST_STATE="1",
            STATE_DIR=str(settings.data / "aws"),
            S3_PERSIST="1",
            S3_DATA_DIR=str(settings.data / "s3"),
            TMPDIR=str(settings.scratch),
            LAYERS_DIR=str(settings.layers),
            # Workers beyond the first of a function end after a minute without work.
            LAMBDA_WARM_TTL_SECONDS="60",
            # No container engine is asked for anything.
            DOCKER_HOST=f"unix://{settings.scratch}/no-docker.sock",
        ),
        directory=settings.scratch,
    )
    child.wait_until_ready(f"{settings.endpoint_url}/_ministack/health")
    return child


def start_stripe(settings: Settings, *, webhook_secret: str) -> Child:
    """Start the Stripe stand-in; it delivers its events to the front door."""
    child = _start_module(
        settings,
        "The Stripe stand-in",
        "local.stripe_standin",
        *("--port", str(settings.ports.stripe), "--state", str(settings.data / "stripe.json")),
        *("--webhook-url", f"{settings.url}/stripe/webhook", "--webhook-secret", webhook_secret),
    )
    child.wait_until_ready(f"{settings.stripe_url}/_standin/health")
    return child


def start_identity(settings: Settings, *, key_file: Path) -> Child:
    """Start the identity provider, which publishes the public half of the key in ``key_file``."""
    child = _start_module(
        settings,
        "The identity provider",
        "local.identity",
        *("--key", str(key_file), "serve", "--port", str(settings.ports.identity)),
    )
    child.wait_until_ready(f"{settings.issuer}/.well-known/jwks.json")
    return child


def start_sign_in(settings: Settings, *, pool_id: str, storefront: str, back_office: str) -> Child:
    """Start the user pool's domain: the sign-in page, and the endpoint that issues tokens."""
    child = _start_module(
        settings,
        "The sign-in page",
        "local.sign_in",
        *("--port", str(settings.ports.sign_in), "--emulator", settings.endpoint_url, "--pool", pool_id),
        *("--tokens", str(settings.data / "refresh_tokens.json"), "--shop", settings.url),
        *("--storefront", storefront, "--back-office", back_office),
    )
    child.wait_until_ready(settings.sign_in_url)
    return child


def start_front_door(settings: Settings, *, api_id: str) -> Child:
    """Start the proxy that gives the deployed API its plain address."""
    child = _start_module(
        settings,
        "The front door",
        "local.front_door",
        *("--port", str(settings.ports.front_door)),
        *("--api", f"{settings.endpoint_url}/restapis/{api_id}/{STAGE}/_user_request_"),
    )
    child.wait_until_ready(f"{settings.url}/v2/health")
    return child


def _start_module(settings: Settings, name: str, module: str, *arguments: str) -> Child:
    return Child.start(
        name,
        module,
        [sys.executable, "-m", module, *arguments],
        log=settings.logs / f"{module.rpartition('.')[2]}.log",
        environment=child_environment(),
        directory=ROOT,
    )
