"""Let people and programs sign in to a shop: its app clients, and its staff.

Works on whatever table and user pool the environment's AWS credentials and endpoint reach, local or not. The stack has
one app client of each kind; say which shop and mode they are for:

  python -m local.manage_access --tenant ten_demo --mode live --table till-prod-Table --user-pool eu-west-1_Abc \\
      --client storefront=ID --client back_office=ID --client integration=ID

Another shop, or the other mode, gets copies of them:

  python -m local.manage_access --tenant ten_demo --mode test … \\
      --copy-client storefront=ID --callback-url https://test.example.com/callback

Who works there, in both modes; a new e-mail address is invited by mail:

  python -m local.manage_access --tenant ten_demo … --staff ann@example.com --scope orders:read --scope orders:write
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "common"))
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Till")

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped, unused-ignore]
from pynamodb.exceptions import PynamoDBException

from commerce.kernel.caller import Mode, Role
from commerce.kernel.errors import CommerceError
from commerce.oauth import use_cases
from commerce.oauth.model import MEMBER_ROLES, ClientKind
from commerce.oauth.use_cases import RegisterClient
from commerce.table.transaction import run
from local.user_pool import AppClient, UserPool


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.manage_access",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tenant", required=True, help="the shop's id")
    parser.add_argument("--mode", choices=[str(mode) for mode in Mode], help="of the clients: live or test data")
    parser.add_argument("--table", default=os.environ.get("TABLE_NAME"), help="the DynamoDB table (env TABLE_NAME)")
    parser.add_argument("--user-pool", default=os.environ.get("USER_POOL_ID"), help="its id (env USER_POOL_ID)")
    clients: dict[str, Any] = {"action": "append", "default": [], "type": _kind_and_id, "metavar": "KIND=ID"}
    parser.add_argument("--client", **clients, help=f"an app client; KIND is {', '.join(ClientKind)}")
    parser.add_argument("--copy-client", **clients, help="make a new app client with the settings of this one")
    parser.add_argument("--callback-url", action="append", default=[], metavar="URL", help="of the copied clients")
    parser.add_argument("--staff", metavar="WHO", help="user id or e-mail address")
    parser.add_argument("--role", choices=sorted(MEMBER_ROLES), default=str(Role.STAFF), help="(%(default)s)")
    parser.add_argument("--scope", action="append", default=[], help="what a staff member may do; an owner may all")
    parser.add_argument("--remove-staff", metavar="WHO", help="user id or e-mail address")
    given = parser.parse_args(argv)
    if not (given.table and given.user_pool):
        parser.error("name the table and the user pool: --table, --user-pool, or TABLE_NAME, USER_POOL_ID")
    if (given.client or given.copy_client) and not given.mode:
        parser.error("--mode says whether the clients' tokens open live or test data")
    if not (given.client or given.copy_client or given.staff or given.remove_staff):
        parser.error("nothing to do: --client, --copy-client, --staff or --remove-staff")
    return given


def _kind_and_id(text: str) -> tuple[ClientKind, str]:
    kind, _, client_id = text.partition("=")
    return ClientKind(kind), client_id


def _manage(given: argparse.Namespace) -> dict[str, Any]:
    """Do what is asked; again, it changes nothing more, except that copies are made anew."""
    pool = UserPool(given.user_pool)
    clients = [_register(given, kind, pool.client(client_id)) for kind, client_id in given.client]
    for kind, client_id in given.copy_client:
        urls = () if kind is ClientKind.INTEGRATION else tuple(given.callback_url)
        copied = pool.copy_client(client_id, f"{given.tenant} {given.mode} {kind}", urls)
        secret = {"secret": copied.secret} if copied.secret else {}
        clients.append(_register(given, kind, copied) | secret)
    done: dict[str, Any] = {"clients": clients}
    if given.staff:
        subject, role = pool.subject(given.staff, invite=True), Role(given.role)
        member = run(lambda tx: use_cases.add_member(tx, given.tenant, subject, role, frozenset(given.scope)))
        done["staff"] = {"id": member.subject, "role": member.role, "scopes": sorted(member.granted)}
    if given.remove_staff:
        removed = pool.subject(given.remove_staff)
        run(lambda tx: use_cases.remove_member(tx, given.tenant, removed))
        done["removed"] = {"id": removed}
    return done


def _register(given: argparse.Namespace, kind: ClientKind, found: AppClient) -> dict[str, Any]:
    command = RegisterClient(
        client_id=found.client_id,
        kind=kind,
        tenant_id=given.tenant,
        mode=Mode(given.mode),
        scopes=found.scopes,
        redirect_uris=found.redirect_uris,
    )
    client = run(lambda tx: use_cases.register_client(tx, command))
    return {
        "id": client.client_id,
        "kind": client.kind,
        "mode": client.mode,
        "scopes": sorted(client.scopes),
        "redirect_uris": list(client.redirect_uris),
    }


def main(argv: list[str] | None = None) -> int:
    """Print what was done as JSON; on a refusal one line on standard error, and 1.

    The secret of a copied integration client is in it; it can be read again in the user pool.
    """
    given = _arguments(argv)
    os.environ["TABLE_NAME"] = given.table
    try:
        done = _manage(given)
    except CommerceError as error:
        print(f"manage_access: {error.message}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"manage_access: the user pool {given.user_pool}: {error}", file=sys.stderr)
        return 1
    except PynamoDBException as error:
        cause = error.cause_response_message or error.cause or error
        print(f"manage_access: the table {given.table} cannot be written: {cause}", file=sys.stderr)
        return 1
    print(json.dumps(done, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
