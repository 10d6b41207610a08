"""Open a shop, and print its owner key: the one place where that key is ever shown.

Works on whatever table the environment's AWS credentials and endpoint reach, local or not:

  python -m local.create_tenant --tenant ten_demo --name "Demo Shop" --currency USD --timezone America/New_York \\
      --country US --warehouse wh_001 --warehouse wh_002 --mode test --table till-dev-Table

Put a shop on another plan, from its next call on:

  python -m local.create_tenant --tenant ten_demo --change-plan --plan enterprise --hourly-limit 20000 \\
      --daily-limit 400000

Lost the owner key? Issue another one, then revoke the lost one through the API:

  python -m local.create_tenant --tenant ten_demo --mode test --new-owner-key
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "common"))
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Till")

from pynamodb.exceptions import PynamoDBException

from commerce.access import use_cases
from commerce.access.contracts import ReturnPolicyIn
from commerce.access.model import TenantAccount
from commerce.access.use_cases import CreateTenant, Issued
from commerce.kernel import wire_json
from commerce.kernel.caller import DEFAULT_CHECKOUT, DEFAULT_RETURNS, CheckoutPolicy, Mode, ShippingOption, Unclaimed
from commerce.kernel.clock import rfc3339
from commerce.kernel.errors import CommerceError, Invalid
from commerce.kernel.money import Money, currency_code
from commerce.kernel.return_policy import ReturnPolicy
from commerce.limits.model import Plan
from commerce.table.transaction import run

_SETTINGS = ("name", "currency", "timezone", "country", "warehouse")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.create_tenant",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tenant", required=True, help="the tenant's id: 2 to 40 of a-z, 0-9, - and _")
    parser.add_argument("--name", help="the shop's name")
    parser.add_argument("--currency", help="ISO 4217 code of all its prices, such as USD")
    parser.add_argument("--timezone", help="IANA time zone of its days, such as America/New_York")
    parser.add_argument("--country", help="ISO 3166-1 alpha-2 code, such as US")
    parser.add_argument(
        "--warehouse", action="append", metavar="ID", help="a warehouse; repeat for up to ten, the first is the default"
    )
    parser.add_argument(
        "--payment-window-minutes",
        type=int,
        default=60,
        metavar="N",
        help="how long an unpaid order keeps its stock (%(default)s)",
    )
    parser.add_argument("--customers-may-not-cancel", action="store_true", help="only the shop itself cancels orders")
    parser.add_argument(
        "--gift-cards-per-order",
        type=int,
        default=DEFAULT_CHECKOUT.gift_cards_per_order,
        metavar="N",
        help="how many gift cards may pay for one order (%(default)s)",
    )
    parser.add_argument(
        "--unclaimed-value",
        choices=[str(each) for each in Unclaimed],
        default=str(DEFAULT_CHECKOUT.unclaimed_value),
        help="whose stored value is that lapses: the shop's (breakage) or the state's (escheat) (%(default)s)",
    )
    parser.add_argument(
        "--shipping-option",
        action="append",
        metavar="ID:NAME:COST[:TIME]",
        help="a way in which the shop ships, its cost in major units, such as express:Express:9.50:1 day; repeat for up"
        " to twenty (standard:Standard:0)",
    )
    parser.add_argument(
        "--returns",
        metavar="JSON",
        default="{}",
        help="what the shop decides about returns, as PATCH /v2/tenants takes it: '{\"window_days\": 60}'",
    )
    parser.add_argument(
        "--plan",
        choices=[str(plan) for plan in Plan],
        default=str(Plan.PROFESSIONAL),
        help="how many calls each credential has (%(default)s)",
    )
    parser.add_argument(
        "--hourly-limit", type=int, metavar="N", help="of each credential; for business, if other than the plan's"
    )
    parser.add_argument("--daily-limit", type=int, metavar="N", help="likewise; enterprise plans need both")
    parser.add_argument("--mode", choices=[str(mode) for mode in Mode], help="whether the owner key is live or test")
    parser.add_argument("--table", default=os.environ.get("TABLE_NAME"), help="the DynamoDB table (env TABLE_NAME)")
    parser.add_argument(
        "--new-owner-key", action="store_true", help="the tenant exists: only issue another owner key for it"
    )
    parser.add_argument("--change-plan", action="store_true", help="the tenant exists: only put it on this plan")
    given = parser.parse_args(argv)
    exists = given.new_owner_key or given.change_plan
    missing = [] if exists else [f"--{name}" for name in _SETTINGS if not getattr(given, name)]
    if not (given.mode or given.change_plan):
        parser.error("--mode says whether the owner key is live or test")
    if missing:
        parser.error(f"a new tenant needs {', '.join(missing)}")
    if not given.table:
        parser.error("name the table with --table or TABLE_NAME")
    return given


def _done(given: argparse.Namespace) -> tuple[TenantAccount, Issued | None]:
    plan = Plan(given.plan)
    if given.change_plan:
        return run(lambda tx: use_cases.set_plan(tx, given.tenant, plan, given.hourly_limit, given.daily_limit)), None
    mode = Mode(given.mode)
    if given.new_owner_key:
        return run(lambda tx: use_cases.issue_owner_key(tx, given.tenant, mode))
    command = CreateTenant(
        tenant_id=given.tenant,
        name=given.name,
        currency=given.currency.upper(),
        timezone=given.timezone,
        country=given.country.upper(),
        warehouses=tuple(given.warehouse),
        payment_window_minutes=given.payment_window_minutes,
        customers_may_cancel=not given.customers_may_not_cancel,
        mode=mode,
        plan=plan,
        hourly_limit=given.hourly_limit,
        daily_limit=given.daily_limit,
        checkout=_checkout(given),
        returns=_returns(given),
    )
    return run(lambda tx: use_cases.create_tenant(tx, command))


def _checkout(given: argparse.Namespace) -> CheckoutPolicy:
    policy = CheckoutPolicy(given.gift_cards_per_order, Unclaimed(given.unclaimed_value))
    if given.shipping_option is None:
        return policy
    return replace(policy, shipping_options=tuple(_option(each, given) for each in given.shipping_option))


def _returns(given: argparse.Namespace) -> ReturnPolicy:
    if given.returns == "{}":
        return DEFAULT_RETURNS
    try:
        changes = ReturnPolicyIn.model_validate(wire_json.loads(given.returns))
    except ValueError as error:
        raise Invalid(f"--returns cannot be: {error}", field="returns", reason="bad_returns") from None
    return replace(DEFAULT_RETURNS, **changes.to_changes(currency_code(given.currency)))


def _option(text: str, given: argparse.Namespace) -> ShippingOption:
    """``ID:NAME:COST[:TIME]``."""
    option_id, name, cost, *rest = [*text.split(":", 3), "", ""][:4]
    try:
        amount = Money.of_major(Decimal(cost), currency_code(given.currency))
    except InvalidOperation:
        raise Invalid(f"{text!r} has no cost", field="shipping_options", reason="bad_shipping_options") from None
    return ShippingOption(option_id, name, amount.minor, rest[0])


def _shown(account: TenantAccount) -> dict[str, Any]:
    return {
        "id": account.tenant_id,
        "name": account.name,
        "currency": account.currency,
        "timezone": account.timezone,
        "country": account.country,
        "warehouses": list(account.warehouses),
        "payment_window_minutes": account.payment_window_minutes,
        "customers_may_cancel": account.customers_may_cancel,
        "checkout": account.checkout.document,
        "returns": account.returns.document,
        "plan": str(account.plan),
        "hourly_limit": account.quota().calls,
        "daily_limit": account.quota().daily,
        "created_at": rfc3339(account.created_at),
    }


def main(argv: list[str] | None = None) -> int:
    """Print ``{"tenant": {…}, "api_key": "…"}``, the key where one was issued; refused: a line of error, and 1."""
    given = _arguments(argv)
    os.environ["TABLE_NAME"] = given.table
    try:
        account, issued = _done(given)
    except CommerceError as error:
        print(f"create_tenant: {error.message}", file=sys.stderr)
        return 1
    except PynamoDBException as error:
        cause = error.cause_response_message or error.cause or error
        print(f"create_tenant: the table {given.table} cannot be written: {cause}", file=sys.stderr)
        return 1
    key = {} if issued is None else {"api_key": issued.text}
    print(json.dumps({"tenant": _shown(account), **key}, indent=2, default=float))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
