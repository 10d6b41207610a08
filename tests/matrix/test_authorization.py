"""Who may call what: every route with every kind of credential, through the gateway, the authorizer and the function.

What is expected comes from ``good_requests``; who is asked for a credential at all, from ``openapi.yaml``. A refusal
leaves nothing behind, and what belongs to others is answered like what is not there.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from commerce.access import tokens
from commerce.access import use_cases as access
from commerce.access.model import CUSTOMER_SCOPES, MERCHANT_SCOPES, TenantStatus
from commerce.access.use_cases import CreateKey, CreateTenant
from commerce.http import forms
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, Role
from commerce.oauth.model import ClientKind
from commerce.table.transaction import run
from local.identity import Issuer
from tests.matrix.gateway import Gateway, description
from tests.matrix.good_requests import GOOD, OAUTH, Good, Sent, name_of
from tests.matrix.world import AT, Stage, World, steady
from tests.shop import OTHER_TENANT, TENANT, Answered
from tests.user_pool import UserPool

JWKS_URL = "https://login.example.com/jwks.json"
SUSPENDED = "ten_3"
GUARDED = [good for good in GOOD.values() if not good.is_public]
OPEN = [good for good in GOOD.values() if good.is_public]


@dataclass
class Credentials:
    """Texts that a client could hold, of each kind."""

    issuer: Issuer
    pool: UserPool
    bad: dict[str, str] = field(default_factory=dict)  # why: what nobody is let in with
    keys: dict[frozenset[str], str] = field(default_factory=dict)
    owner: str = ""
    signed_in: str = ""  # the customer's access token

    def key(self, *scopes: str) -> str:
        """An API key with exactly these scopes."""
        wanted = frozenset(scopes)
        if wanted not in self.keys:
            self.keys[wanted] = _issue(CreateKey("Key", wanted)).text
        return self.keys[wanted]

    def staff(self, *scopes: str, **claims: Any) -> str:
        usual = {"sub": "user_1", "tenant": TENANT.tenant_id, "role": "staff", "scope": " ".join(scopes)}
        return self.issuer.sign(usual | claims)

    def machine(self, *scopes: str, **claims: Any) -> str:
        """An access token of an integration, as the user pool signs it."""
        client_id = f"{ClientKind.INTEGRATION}_{TENANT.tenant_id}"
        usual = {"token_use": "access", "client_id": client_id, "sub": client_id}
        return self.pool.sign(usual | {"scope": " ".join(f"till/{scope}" for scope in scopes)} | claims)

    def customer(self, world: World, **claims: Any) -> str:
        return self.issuer.sign(
            {"sub": world.customer_id, "tenant": world.shop.tenant.tenant_id, "role": "customer"}
            | {"customer_id": world.customer_id}
            | claims
        )


OWNER = Caller(TENANT, "key_0", Role.OWNER, MERCHANT_SCOPES)


def _issue(command: CreateKey) -> access.Issued:
    return run(lambda tx: access.create_key(tx, OWNER, command))


def _issue_yesterday(command: CreateKey) -> access.Issued:
    with clock.use(lambda: AT - timedelta(days=1)):
        return _issue(command)


@pytest.fixture(scope="module")
def credentials(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Credentials]:
    """Keys in the table of every test here; tokens of the issuer that the environment names."""
    stage.table.put_back(stage.base)
    issuer = Issuer(tmp_path_factory.mktemp("issuer") / "key.pem", "https://login.example.com/")
    known = Credentials(issuer, stage.pool)
    stranger = Issuer(tmp_path_factory.mktemp("stranger") / "key.pem", known.issuer.issuer)
    good = frozenset({"orders:read", "products:read"})
    with steady(1 << 64), pytest.MonkeyPatch.context() as environment:
        environment.setenv("JWT_ISSUER", known.issuer.issuer)
        environment.setenv("JWT_AUDIENCE", "till")
        environment.setenv("JWKS_URL", JWKS_URL)
        tokens.client_of.cache_clear()
        fetch = jwt.PyJWKClient.fetch_data
        environment.setattr(
            jwt.PyJWKClient, "fetch_data", lambda self: issuer.jwks if self.uri == JWKS_URL else fetch(self)
        )
        shop = CreateTenant(SUSPENDED, "Shop", "USD", "UTC", "US", ("wh_001",), Mode.TEST)
        _, suspended = run(lambda tx: access.create_tenant(tx, shop))
        run(lambda tx: access.set_tenant_status(tx, SUSPENDED, TenantStatus.SUSPENDED))
        revoked = _issue(CreateKey("Key", good))
        run(lambda tx: access.revoke_key(tx, OWNER, revoked.key.key_id))
        known.owner = run(lambda tx: access.issue_owner_key(tx, TENANT.tenant_id, Mode.TEST))[1].text
        signed_out = stage.worlds.here.sign_in()
        form = {"client_id": stage.worlds.here.client(ClientKind.STOREFRONT), "token": signed_out["refresh_token"]}
        stage.worlds.here.shop.do(
            "oauth/access/revoke_token", body=urlencode(form), headers={"content-type": forms.CONTENT_TYPE}
        )
        unsigned = known.staff(*good).rpartition(".")[0]
        now, strange = int(time.time()), stranger.sign({"sub": "user_1", "tenant": "ten_1", "role": "staff"})
        known.bad = {
            "no known form": "letmein",
            "wrong secret": known.owner[:-1] + ("0" if known.owner[-1] != "0" else "1"),
            "of live data": known.owner.replace("test_", "live_", 1),
            "of another tenant's name": known.owner.replace(TENANT.tenant_id, OTHER_TENANT.tenant_id),
            "expired key": _issue_yesterday(CreateKey("Key", good, expires_at=AT)).text,
            "revoked key": revoked.text,
            "suspended tenant's key": suspended.text,
            "expired token": known.staff(*good, exp=now - 60),
            "token for others": known.staff(*good, aud="elsewhere"),
            "token of a stranger": strange,
            "token with a stranger's signature": f"{unsigned}.{strange.rpartition('.')[2]}",
            "unsigned token": f"{unsigned}.",
            "suspended tenant's token": known.staff(*good, tenant=SUSPENDED),
            "unknown tenant's token": known.staff(*good, tenant="ten_none"),
            "expired access token": known.machine(*good, exp=now - 60),
            "access token of nobody's client": known.machine(*good, client_id="nobody"),
            "access token of another pool": known.machine(*good, iss="https://cognito-idp.example.com/pool"),
            "ID token": known.machine(*good, token_use="id", aud=f"{ClientKind.INTEGRATION}_{TENANT.tenant_id}"),
            "access token of a sign-in that is over": signed_out["access_token"],
            "token with a role of its own": known.staff(*good, role="system"),
        }
        known.signed_in = stage.worlds.here.sign_in()["access_token"]
        for scope in MERCHANT_SCOPES:
            known.key(scope)
        for each in GUARDED:
            if not each.is_customers:
                known.key(*each.scopes)
        before, stage.base = stage.base, stage.rows()
        yield known
        stage.base = before
    tokens.client_of.cache_clear()


@dataclass(frozen=True)
class Cell:
    """One credential on one route. ``reason`` is the code of a refusal's first detail."""

    kind: str
    token: str | None
    status: int
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def refusals(good: Good, world: World, known: Credentials) -> list[Cell]:
    """Every credential that is not good for the route, and why."""
    right = known.customer(world) if good.is_customers else known.owner
    elsewhere = [
        Cell("another tenant's header", right, 403, "wrong_tenant", {header: OTHER_TENANT.tenant_id})
        for header in ("X-Tenant-ID", "orgid")
    ]
    return [
        Cell("no token", None, 401),
        *(Cell(f"bad token: {why}", token, 401) for why, token in known.bad.items()),
        *elsewhere,
        *(_wrong_for_customers(good, known) if good.is_customers else _wrong_for_merchants(good, world, known)),
    ]


def _wrong_for_customers(good: Good, known: Credentials) -> list[Cell]:
    if good.merchants_scope:
        others = sorted(MERCHANT_SCOPES - {good.merchants_scope})
        return [
            *(Cell(f"wrong scope: key with {scope}", known.key(scope), 403, "missing_scope") for scope in others),
            Cell("wrong scope: all others", known.staff(*others), 403, "missing_scope"),
            Cell("wrong scope: the customers'", known.staff(good.scope), 403, "missing_scope"),
        ]
    return [
        Cell("merchant on a customer's route: integration", known.machine("orders:read"), 403, "wrong_role"),
        Cell("merchant on a customer's route: owner's key", known.owner, 403, "wrong_role"),
        *(
            Cell(f"merchant on a customer's route: {role}", known.staff(good.scope, role=role), 403, "wrong_role")
            for role in ("staff", "owner")
        ),
    ]


def _wrong_for_merchants(good: Good, world: World, known: Credentials) -> list[Cell]:
    others = sorted(MERCHANT_SCOPES - {good.scope})
    why = "missing_scope" if good.is_shared else "wrong_role"
    cells = [
        *(_wrong_customers(good, world, known, why) if good.scope not in CUSTOMER_SCOPES or not good.is_shared else ()),
        *(Cell(f"wrong scope: key with {scope}", known.key(scope), 403, "missing_scope") for scope in others),
        Cell("customer on a merchant's route: signed in", known.signed_in, 403, why),
        Cell("wrong scope: integration", known.machine(*others), 403, "missing_scope"),
        Cell("wrong scope: all others", known.staff(*others), 403, "missing_scope"),
        Cell("wrong scope: none", known.staff(), 403, "missing_scope"),
    ]
    if good.owner:
        cells += [
            Cell("not an owner: key", known.key(*good.scopes), 403, "owner_only"),
            Cell("not an owner: integration", known.machine(*good.scopes), 403, "owner_only"),
            Cell("not an owner: staff", known.staff(*good.scopes), 403, "owner_only"),
        ]
    return cells


def _wrong_customers(good: Good, world: World, known: Credentials, why: str) -> list[Cell]:
    by_scope = known.customer(world, scope=good.scope)
    return [
        Cell("customer on a merchant's route", known.customer(world), 403, why),
        Cell("customer on a merchant's route: with its scope", by_scope, 403, why),
    ]


def admissions(good: Good, world: World, known: Credentials) -> list[Cell]:
    """Every credential that is good for the route."""
    if good.is_customers:
        staff = known.staff(good.merchants_scope), known.machine(good.merchants_scope), known.owner
        return [
            Cell("right: customer", known.customer(world), good.status),
            Cell("right: signed-in customer", known.signed_in, good.status),
            *(Cell("right: merchant", each, good.status) for each in staff if good.merchants_scope),
        ]
    cells = [
        Cell("right: owner's key", known.owner, good.status),
        Cell("right: owner's token", known.staff(*good.scopes, role="owner"), good.status),
    ]
    if good.owner:
        return cells
    both = known.staff(*good.scopes, tenant=None, tenants=["ten_2", "ten_1"])
    return [
        *cells,
        Cell("right: key", known.key(*good.scopes), good.status),
        Cell("right: integration", known.machine(*good.scopes), good.status),
        Cell("right: staff", known.staff(*good.scopes), good.status),
        Cell("right: staff of two shops", both, good.status, headers={"X-Tenant-ID": TENANT.tenant_id}),
    ]


@dataclass
class Tally:
    """The cells of one test, and what is wrong in them."""

    note: Callable[[str, Any], None]
    cells: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def enter(self, cell: Cell, good: Good, answered: Answered) -> None:
        self.cells[cell.kind.split(":")[0]] += 1
        problem = _problem(cell, good, answered)
        if problem:
            self.wrong.append(f"{cell.kind}: {problem}")

    def require_right(self) -> None:
        self.note("cells of the authorization matrix", dict(self.cells))
        if self.wrong:
            pytest.fail("\n".join(self.wrong), pytrace=False)


def _problem(cell: Cell, good: Good, answered: Answered) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if answered.status != cell.status:
        return f"{answered.status} instead of {cell.status}: {answered.text[:300]}"
    if answered.status < 400:
        return ""
    # API Gateway's own answers fit both envelopes.
    try:
        error = answered.body["error"] if cell.status == 401 else good.endpoint.error_in(answered.body)
    except AssertionError:
        return f"not the envelope of {good.endpoint.surface.name}: {answered.text[:300]}"
    if set(error) != {"code", "message", "details", "request_id"}:
        return f"not an error: {error}"
    codes = {400: "validation_error", 401: "authentication_error", 403: "authorization_error"}
    if error["code"] != codes[cell.status]:
        return f"code {error['code']}"
    reasons = [detail["code"] for detail in error["details"]]
    return "" if reasons == [cell.reason][: len(cell.reason)] else f"{reasons} instead of {cell.reason}"


@pytest.fixture
def tally(record_property: Callable[[str, Any], None]) -> Tally:
    """Added up and shown at the end."""
    return Tally(record_property)


def test_the_gateway_asks_for_a_credential_where_the_contract_does() -> None:
    guarded = {
        f"{method.upper()} {path}"
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
        if operation["security"]
    }

    assert guarded == {good.name for good in GUARDED}


@pytest.mark.parametrize("good", GUARDED, ids=name_of)
def test_every_other_credential_is_refused_and_leaves_nothing(
    good: Good, stage: Stage, credentials: Credentials, tally: Tally
) -> None:
    with stage.anew() as world:
        sent = good.given(world)
        before = stage.effect()

        for cell in refusals(good, world, credentials):
            tally.enter(cell, good, _ask(good, sent, cell))

        stage.effect().require(before)
    tally.require_right()


@pytest.mark.parametrize("good", GUARDED, ids=name_of)
def test_every_right_credential_is_let_in(good: Good, stage: Stage, credentials: Credentials, tally: Tally) -> None:
    for number in range(len(admissions(good, stage.worlds.here, credentials))):
        with stage.anew() as world:
            cell = admissions(good, world, credentials)[number]
            tally.enter(cell, good, _ask(good, good.given(world), cell))
    tally.require_right()


@pytest.mark.parametrize("good", OPEN, ids=name_of)
def test_a_public_route_asks_for_no_credential_but_for_the_shop(
    good: Good, stage: Stage, credentials: Credentials, tally: Tally
) -> None:
    shop = {"orgid": TENANT.tenant_id}
    named = Cell("public: no shop", None, 400, "tenant_required")
    cells = [
        Cell("public: no token", None, good.status, headers=shop),
        named if good.tenant_header else Cell("public: no shop", None, good.status),
    ]
    if good.name not in OAUTH:  # there the header holds a client's credentials
        cells.append(Cell("public: with a credential", credentials.owner, good.status, headers=shop))
    for cell in cells:
        with stage.anew() as world:
            tally.enter(cell, good, _ask(good, good.given(world), cell))
    tally.require_right()


def _ask(good: Good, sent: Sent, cell: Cell) -> Answered:
    headers = sent.get("headers", {}) | cell.headers
    return Gateway().ask(good.name, token=cell.token, **(sent | {"headers": headers}))


# What belongs to somebody else

_ID = re.compile(r"\b([a-z]+)_[0-9a-f]{32}\b|\bten_2\b|\b(pi)_[A-Za-z0-9]{24}\b")
_SERIAL = re.compile(r"\bGC(?:-[0-9A-Z]{4}){4}\b")
type Belonging = tuple[str, Sent, Sent]
"""Whose it is, a request about it, and the same request about what does not exist."""


def _missing(text: str) -> str:
    """The same text about things that do not exist."""
    if text == OTHER_TENANT.tenant_id:
        return "ten_9"
    return _SERIAL.sub("GC-ABCD-1234", _ID.sub(lambda found: f"{found[1] or found[2]}_{'e' * 32}", text))


def _about_missing(sent: Any) -> Any:
    if isinstance(sent, dict):
        return {name: _about_missing(each) for name, each in sent.items()}
    if isinstance(sent, list):
        return [_about_missing(each) for each in sent]
    return _missing(sent) if isinstance(sent, str) else sent


def _ids(sent: Sent) -> set[str]:
    return {found[0] for found in _ID.finditer(str(sent))}


def belongings(good: Good, stage: Stage) -> list[Belonging]:
    """What is not the sender's, as far as the route names anything."""
    worlds = stage.worlds
    own, theirs = good.given(worlds.here), good.given(worlds.elsewhere)
    found = [("another shop's", theirs, _about_missing(theirs))]
    if good.is_customers:
        neighbours = good.given(worlds.neighbour)
        if _ids(neighbours) - _ids(own):
            found.append(("another customer's", neighbours, _about_missing(neighbours)))
    parameters = re.findall(r"\{(\w+)\}", good.endpoint.route.path)
    if len(parameters) > 1:
        above = {parameters[0]: own[parameters[0]]}
        found.append(("another shop's below one's own", theirs | above, _about_missing(theirs) | above))
    return [each for each in found if each[1] != each[2]]


@pytest.mark.parametrize("good", GUARDED, ids=name_of)
def test_what_belongs_to_others_is_answered_like_what_is_not_there(
    good: Good, stage: Stage, credentials: Credentials, tally: Tally
) -> None:
    with stage.anew() as world:
        token = credentials.customer(world) if good.is_customers else credentials.owner
        for whose, theirs, missing in belongings(good, stage):
            before = stage.effect()

            about_theirs, about_nothing = (Gateway().ask(good.name, token=token, **each) for each in (theirs, missing))

            named_in_path = not theirs.keys() <= {"body", "query", "headers"}
            statuses = (404,) if named_in_path else (404, 409, 422)
            refused = about_theirs.status in statuses or _refuses_each_row(about_theirs)
            assert refused, f"{whose}: {about_theirs.status} {about_theirs.text}"
            assert _said(about_theirs) == _said(about_nothing), whose
            stage.effect().require(before)
            tally.cells["belongs to others"] += 1
    tally.require_right()


def _refuses_each_row(answered: Answered) -> bool:
    """Whether a bulk request was answered row by row, and no row of it was taken."""
    data = answered.body.get("data")
    results = data.get("results", []) if isinstance(data, dict) else []
    return bool(results) and not any(row["ok"] for row in results)


def _said(answered: Answered) -> tuple[int, str]:
    """Without the ids that the request named itself."""
    return answered.status, _ID.sub("…", answered.text.replace("ten_9", OTHER_TENANT.tenant_id))
