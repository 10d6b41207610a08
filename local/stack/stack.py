"""The whole local stack: what ``make up`` and the integration tests start, in the same steps."""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from local.demo_data import Loader
from local.identity import AUDIENCE, Issuer
from local.stack import deployment, servers
from local.stack.console import Console
from local.stack.processes import Child, is_running, stop_process
from local.stack.settings import AWS_CREDENTIALS, REGION, STAGE, Settings, StackError
from local.stack.shop import TENANT, Kept, SignIn, open_sign_in, owner_key, tell_history

# As the template's parameters name them by default.
STRIPE_API_KEY_SECRET = "till/stripe/api-key"  # noqa: S105  (a name)
STRIPE_WEBHOOK_SECRET = "till/stripe/webhook"  # noqa: S105  (a name)
MAIL_FROM = "no-reply@example.com"


@dataclass(frozen=True, slots=True)
class Shop:
    """A running stack as its users see it."""

    url: str
    api_key: str
    tenant: str
    customer_id: str
    customer_token: str
    stripe_url: str
    stripe_key: str
    webhook_secret: str
    endpoint_url: str
    table_name: str
    sign_in_url: str
    sign_in: SignIn

    def environment(self) -> dict[str, str]:
        """What scripts source."""
        return {
            "TILL_URL": self.url,
            "TILL_API_KEY": self.api_key,
            "TILL_CUSTOMER_ID": self.customer_id,
            "TILL_CUSTOMER_TOKEN": self.customer_token,
            "TILL_TENANT": self.tenant,
            "TILL_STRIPE_URL": self.stripe_url,
            "TILL_STRIPE_KEY": self.stripe_key,
            "TILL_STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "TILL_SIGN_IN_URL": self.sign_in_url,
            "TILL_STAFF_EMAIL": self.sign_in.staff_email,
            "TILL_STAFF_PASSWORD": self.sign_in.staff_password,
            "TILL_CUSTOMER_EMAIL": self.sign_in.customer_email,
            "TILL_CUSTOMER_PASSWORD": self.sign_in.customer_password,
            "TILL_OAUTH_STOREFRONT_CLIENT": self.sign_in.storefront_client,
            "TILL_OAUTH_BACK_OFFICE_CLIENT": self.sign_in.back_office_client,
            "TILL_OAUTH_INTEGRATION_CLIENT": self.sign_in.integration_client,
            "TILL_OAUTH_INTEGRATION_SECRET": self.sign_in.integration_secret,
            "TABLE_NAME": self.table_name,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": AWS_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": AWS_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }


class Stack:
    """One local stack; a context manager that stops what it started."""

    def __init__(self, settings: Settings, console: Console, *, command: str = "local.up") -> None:
        """``command`` is part of this process's command line, by which a record of it is known to be true."""
        self.settings = settings
        self._command = command
        self.console = console
        self._started = False
        self._children: list[Child] = []
        self._kept = Kept(settings.data / "credentials.json")

    @property
    def started(self) -> bool:
        """Whether there is something to stop."""
        return self._started

    @property
    def children(self) -> Sequence[Child]:
        return tuple(self._children)

    def start(self) -> Shop:
        """Bring everything up, with the data of the last time.

        Raises:
            StackError: a step failed; nothing that was started keeps running once ``stop`` was called.
        """
        settings, console = self.settings, self.console
        self._require_none_running()
        settings.ports.require_free()
        settings.data.mkdir(parents=True, exist_ok=True)
        self._started = True
        self._record()
        keys = self._keys()
        issuer = Issuer(settings.data / "identity.pem", settings.issuer)
        with console.step("sam build") as notes:
            sources, built = deployment.build(settings)
            if not built:
                notes.append("unchanged")
        with console.step("AWS emulator"):
            self._run(servers.start_emulator(settings))
        with console.step("Stripe stand-in"):
            self._run(servers.start_stripe(settings, webhook_secret=keys["webhook_secret"]))
        with console.step("identity provider"):
            self._run(servers.start_identity(settings, key_file=settings.data / "identity.pem"))
        with console.step("sam deploy") as notes:
            deployment.put_secret(settings, STRIPE_API_KEY_SECRET, {"test": keys["stripe_key"]})
            deployment.put_secret(settings, STRIPE_WEBHOOK_SECRET, {"test": keys["webhook_secret"]})
            if not deployment.deploy(settings, sources, self._parameters()):
                notes.append("unchanged")
        outputs = deployment.outputs(settings)
        with console.step("front door"):
            self._run(servers.start_front_door(settings, api_id=outputs["ApiId"]))
        with console.step("sign-in page"):
            clients = {"storefront": outputs["StorefrontClientId"], "back_office": outputs["BackOfficeClientId"]}
            self._run(servers.start_sign_in(settings, pool_id=outputs["UserPoolId"], **clients))
        with console.step("shop and owner key"):
            api_key = owner_key(settings, outputs["TableName"], keys.get("api_key"))
            keys = self._kept.put(api_key=api_key)
        with console.step("address that mails come from"):
            deployment.verify_address(settings, MAIL_FROM)
        with console.step("people who sign in"):
            sign_in = open_sign_in(settings, outputs, keys)
        with console.step("demo data") as notes:
            keys = self._load(keys, outputs["TableName"], notes)
        if not issuer.is_good(keys.get("customer_token", "")):
            keys = self._kept.put(customer_token=issuer.customer(keys["customer_id"], TENANT))
        shop = Shop(
            url=settings.url,
            api_key=keys["api_key"],
            tenant=TENANT,
            customer_id=keys["customer_id"],
            customer_token=keys["customer_token"],
            stripe_url=settings.stripe_url,
            stripe_key=keys["stripe_key"],
            webhook_secret=keys["webhook_secret"],
            endpoint_url=settings.endpoint_url,
            table_name=outputs["TableName"],
            sign_in_url=settings.sign_in_url,
            sign_in=sign_in,
        )
        self._write_environment(shop)
        return shop

    def stop(self) -> None:
        """Stop what was started, last first: the emulator saves its state, the workers end with it."""
        if not self._started:
            return  # what runs is another one's
        self._started = False
        for child in reversed(self._children):
            child.stop()
        self._children.clear()
        self.settings.running.unlink(missing_ok=True)
        shutil.rmtree(self.settings.scratch, ignore_errors=True)

    @contextlib.contextmanager
    def running(self) -> Iterator[Shop]:
        """Start, and stop in any case."""
        try:
            yield self.start()
        finally:
            self.stop()

    def _keys(self) -> dict[str, str]:
        keys = self._kept.read()
        if "stripe_key" not in keys:
            stripe_key, webhook_secret = f"sk_test_{secrets.token_hex(16)}", f"whsec_{secrets.token_hex(16)}"
            keys = self._kept.put(stripe_key=stripe_key, webhook_secret=webhook_secret)
        for name in ("staff_password", "customer_password"):
            if name not in keys:
                keys = self._kept.put(**{name: f"Aa1{secrets.token_urlsafe(12)}"})  # the prefix is for the pool's rules
        return keys

    def _parameters(self) -> dict[str, str]:
        settings = self.settings
        return {
            "Stage": STAGE,
            "StripeApiBase": settings.stripe_url,
            "EndpointUrl": settings.endpoint_url,
            "JwtIssuer": settings.issuer,
            "JwtAudience": AUDIENCE,
            "JwksUrl": f"{settings.issuer}/.well-known/jwks.json",
            "SignInUrl": settings.sign_in_url,
            "ApiUrl": settings.url,
            "StorefrontCallbackUrls": settings.callback_url,
            "BackOfficeCallbackUrls": settings.callback_url,
        }

    def _load(self, keys: dict[str, str], table: str, notes: list[str]) -> dict[str, str]:
        """Load the demo data into this table, once."""
        if keys.get("loaded_into") == table:
            notes.append("there already")
            return keys
        loaded = Loader(self.settings.url, keys["api_key"]).load(
            lambda done, total: self.console.progress("demo data", done, total)
        )
        notes.append(f"{loaded.products} products, {loaded.variants} variants, {loaded.customers} customers")
        key = deployment.gift_card_key(self.settings)
        notes.append(tell_history(self.settings, table, loaded.first_customer_id, key))
        deployment.close_days(self.settings)
        # A token of another load names a customer that is gone.
        return self._kept.put(loaded_into=table, customer_id=loaded.first_customer_id, customer_token="")

    def _run(self, child: Child) -> None:
        self._children.append(child)
        self._record()

    def _record(self) -> None:
        """Say what runs, for ``make down`` and for the next start."""
        self.settings.running.parent.mkdir(parents=True, exist_ok=True)
        self.settings.running.write_text(
            json.dumps(
                {
                    "pid": os.getpid(),
                    "command": self._command,
                    "children": {str(each.process.pid): each.marker for each in self._children},
                    "issuer": self.settings.issuer,
                    "tenant": TENANT,
                    "ports": asdict(self.settings.ports),
                }
            )
        )

    def _require_none_running(self) -> None:
        if not self.settings.running.exists():
            return
        record = json.loads(self.settings.running.read_text())
        if record["pid"] != os.getpid() and is_running(record["pid"], command=record["command"]):
            raise StackError(f"The stack is running already (process {record['pid']}). Stop it with: make down")
        stop_leftovers(self.settings)

    def _write_environment(self, shop: Shop) -> None:
        file = self.settings.environment_file
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text("".join(f"export {name}='{value}'\n" for name, value in shop.environment().items()))


def stop_leftovers(settings: Settings) -> None:
    """Stop the servers of a stack whose main process was killed."""
    record = json.loads(settings.running.read_text())
    for pid, argument in reversed(record["children"].items()):
        if is_running(int(pid), command=argument):
            stop_process(int(pid), seconds=60)
    settings.running.unlink(missing_ok=True)
