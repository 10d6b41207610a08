"""The whole local stack, as ``make up`` starts it, once per session: free ports, fresh data, stopped at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.identity import Issuer
from local.stack.console import Console
from local.stack.settings import Ports, Settings
from local.stack.shop import call
from local.stack.stack import Shop, Stack

START_SECONDS = 900  # the first build installs the layer's packages


@dataclass(frozen=True)
class Running:
    """A running stack, and what tests do with it."""

    shop: Shop
    settings: Settings

    @property
    def url(self) -> str:
        return self.shop.url

    @property
    def api_key(self) -> str:
        return self.shop.api_key

    @property
    def customer_token(self) -> str:
        return self.shop.customer_token

    @property
    def customer_id(self) -> str:
        return self.shop.customer_id

    @property
    def tenant(self) -> str:
        return self.shop.tenant

    @property
    def stripe_url(self) -> str:
        return self.shop.stripe_url

    @property
    def stripe_key(self) -> str:
        return self.shop.stripe_key

    @property
    def webhook_secret(self) -> str:
        return self.shop.webhook_secret

    @property
    def endpoint_url(self) -> str:
        return self.shop.endpoint_url

    @property
    def table_name(self) -> str:
        return self.shop.table_name

    @property
    def issuer(self) -> Issuer:
        """Signs tokens of other customers and of staff."""
        return Issuer(self.settings.data / "identity.pem", self.settings.issuer)

    def as_owner(self, method: str, path: str, **options: Any) -> httpx.Response:
        return call(self.url, method, path, self.api_key, **options)

    def as_customer(self, method: str, path: str, token: str = "", **options: Any) -> httpx.Response:
        """As the demo customer, or with another customer's ``token``."""
        return call(self.url, method, path, token or self.customer_token, **options)

    def as_anybody(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Without a credential."""
        return httpx.request(method, self.url + path, timeout=60, trust_env=False, **options)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of the session pays for the start of the stack."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(START_SECONDS))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(Ports.free(), home=tmp_path_factory.mktemp("till"))


@pytest.fixture(scope="session")
def stack(settings: Settings, pytestconfig: pytest.Config) -> Iterator[Running]:
    """The shop with its demo data. Tests that restart or break a stack start one of their own."""
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")
    running = Stack(settings, Console(), command="pytest")
    try:
        with capture.global_and_fixture_disabled():
            print("\nStarting the local stack")
            shop = running.start()
        yield Running(shop, settings)
    finally:
        running.stop()
