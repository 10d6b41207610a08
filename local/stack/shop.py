"""The demo shop on a running stack: its tenant, its owner key, its customer, and who signs in."""

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local import demo_catalogue
from local.stack.deployment import client
from local.stack.settings import ROOT, Settings, StackError, aws_environment, child_environment

TENANT = "ten_demo"
STAFF_EMAIL = "sam@harborandpine.example"
# Kind of client, and the stack's output that names it.
_CLIENT_OUTPUTS = {
    "storefront": "StorefrontClientId",
    "back_office": "BackOfficeClientId",
    "integration": "IntegrationClientId",
}
_OPENING = (
    *("--name", "Harbor & Pine"),
    *("--currency", "USD"),
    *("--timezone", "America/New_York"),
    *("--country", "US"),
    *("--warehouse", "wh_001"),
    *("--warehouse", "wh_002"),
    *("--returns", '{"address": ["Harbor & Pine Returns", "12 Dock Street", "Portland, ME 04101", "US"]}'),
    *("--plan", "enterprise", "--hourly-limit", "1000000", "--daily-limit", "24000000"),  # more than any test calls
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
    opened = _run(settings, "local.create_tenant", table, *_OPENING)
    if opened.returncode:
        # The shop is there but its key is lost: the keys' file was removed, the data was not.
        again = _run(settings, "local.create_tenant", table, "--new-owner-key")
        if again.returncode:
            raise StackError(f"The demo shop could not be opened: {opened.stderr.strip()}")
        opened = again
    return str(json.loads(opened.stdout)["api_key"])


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people and machines sign in to the demo shop."""

    storefront_client: str
    back_office_client: str
    integration_client: str
    integration_secret: str
    customer_email: str
    customer_password: str
    staff_email: str
    staff_password: str


def open_sign_in(settings: Settings, outputs: dict[str, str], passwords: dict[str, str]) -> SignIn:
    """Register the stack's app clients for the demo shop, and have a staff member and its first customer in the pool.

    Raises:
        StackError: they could not be, in the command's own words.
    """
    pool, cognito = outputs["UserPoolId"], client("cognito-idp", settings.endpoint_url)
    clients = {kind: outputs[name] for kind, name in _CLIENT_OUTPUTS.items()}
    customer = next(demo_catalogue.customers())
    _add_person(cognito, pool, STAFF_EMAIL, passwords["staff_password"], "Sam", "Staff")
    _add_person(
        cognito, pool, customer["email"], passwords["customer_password"], customer["first_name"], customer["last_name"]
    )
    done = _run(
        settings,
        "local.manage_access",
        outputs["TableName"],
        *("--user-pool", pool, "--staff", STAFF_EMAIL, "--role", "owner"),
        *(word for kind, client_id in clients.items() for word in ("--client", f"{kind}={client_id}")),
    )
    if done.returncode:
        raise StackError(f"Signing in could not be set up: {done.stderr.strip()}")
    found = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=clients["integration"])
    return SignIn(
        storefront_client=clients["storefront"],
        back_office_client=clients["back_office"],
        integration_client=clients["integration"],
        integration_secret=found["UserPoolClient"]["ClientSecret"],
        customer_email=customer["email"],
        customer_password=passwords["customer_password"],
        staff_email=STAFF_EMAIL,
        staff_password=passwords["staff_password"],
    )


def _add_person(cognito: Any, pool: str, email: str, password: str, given_name: str, family_name: str) -> None:
    """A person of the pool who can sign in at once."""
    attributes = {"email": email, "email_verified": "true", "given_name": given_name, "family_name": family_name}
    with contextlib.suppress(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=email,
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
            MessageAction="SUPPRESS",
        )
    cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)


def tell_history(settings: Settings, table: str, customer_id: str, gift_card_key: str) -> str:
    """Give the demo shop a past; in words what it is.

    Raises:
        StackError: it could not be told, in the command's own words.
    """
    done = _run(settings, "local.demo_history", table, "--customer", customer_id, GIFT_CARD_KEY=gift_card_key)
    if done.returncode:
        raise StackError(f"The demo shop got no past: {done.stderr.strip()}")
    return done.stdout.strip()


def _run(
    settings: Settings, module: str, table: str, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run one of the operator's commands for the demo shop."""
    common = ("--tenant", TENANT, "--mode", "test", "--table", table)
    return subprocess.run(
        [sys.executable, "-m", module, *common, *arguments],
        cwd=ROOT,
        env=child_environment(**aws_environment(settings.endpoint_url), **environment),
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
