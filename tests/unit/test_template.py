"""The template as AWS would run it: translated by SAM's own translator, counted, paired with the code, IAM read."""

import re
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from local.generate_openapi import PREFLIGHT, REFUSAL, gateway_description, load_handlers, logical_id, routes
from tests.template import ROOT, template

MAX_RESOURCES = 450  # CloudFormation's limit is 500; cfn-lint does not see what SAM makes of the template


class _NoManagedPolicies(ManagedPolicyLoader):  # type: ignore[misc]
    def __init__(self) -> None:
        self._policy_map: dict[str, str] = {}
        self.max_items = 0

    def load(self) -> dict[str, str]:
        return self._policy_map


@cache
def translated() -> dict[str, Any]:
    """CloudFormation after SAM's transform, with every condition's resources present."""
    parameters = {name: each.get("Default", "x") for name, each in template()["Parameters"].items()}
    parameters |= {"AWS::Region": "us-east-1", "AWS::Partition": "aws"}
    built = deepcopy(template())
    for each in built["Resources"].values():
        for place in ("CodeUri", "ContentUri", "DefinitionUri"):
            if place in each.get("Properties", {}):
                each["Properties"][place] = "s3://artifacts/code"  # as `sam package` leaves it
    result: dict[str, Any] = transform(built, parameters, _NoManagedPolicies())
    return result


def functions() -> dict[str, dict[str, Any]]:
    resources = template()["Resources"]
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::Serverless::Function"}


def test_the_stack_stays_below_the_limit_of_resources(capsys: pytest.CaptureFixture[str]) -> None:
    count = len(translated()["Resources"])
    with capsys.disabled():
        sys.stdout.write(f"\n  {count} resources after SAM's transform (limit here {MAX_RESOURCES}, AWS 500)\n")

    assert count <= MAX_RESOURCES


def test_every_handler_file_has_its_stanza_and_every_stanza_its_file() -> None:
    files = {logical_id(file): file for file in (path.relative_to(ROOT) for path in (ROOT / "functions").rglob("*.py"))}
    stanzas = {
        name: Path(each["CodeUri"]) / (each["Handler"].removesuffix(".handler") + ".py")
        for name, each in functions().items()
    }

    assert stanzas == files


def test_every_handler_has_a_route_or_another_trigger_and_every_route_its_handler() -> None:
    routed = {function for function, _, _ in routes()}
    triggered = {name for name, each in functions().items() if each.get("Events")}
    triggered |= {"AuthorizerAuthorizeRequest", PREFLIGHT, REFUSAL} | set().union(*tasks().values())

    assert routed & triggered == set()
    assert routed | triggered == set(functions())


def tasks() -> dict[str, set[str]]:
    """The functions that each state machine is told of."""
    resources = template()["Resources"].items()
    machines = {name: each["Properties"] for name, each in resources if each["Type"].endswith("::StateMachine")}
    return {
        name: {arn["Fn::GetAtt"][0] for arn in each["DefinitionSubstitutions"].values()}
        for name, each in machines.items()
    }


def test_every_state_machine_calls_exactly_the_functions_it_is_told_of_and_may_call_no_other() -> None:
    for name, functions_told in tasks().items():
        properties = template()["Resources"][name]["Properties"]
        definition = (ROOT / properties["DefinitionUri"]).read_text()
        [role, _] = properties["Role"]["Fn::GetAtt"]
        [allowed] = [each for owner, each in statements() if owner == role]

        assert set(re.findall(r"\$\{(\w+)\}", definition)) == set(properties["DefinitionSubstitutions"]), name
        assert allowed["Action"] == "lambda:InvokeFunction", name
        assert {arn["Fn::GetAtt"][0] for arn in allowed["Resource"]} == functions_told, name


def test_every_handler_says_its_route_and_its_business() -> None:
    for file, module in load_handlers().items():
        first, *rest = (module.__doc__ or "").splitlines()
        served = [f"{route.method} {route.path}" for route in getattr(getattr(module, "app", None), "routes", [])]
        assert not served or first in served, f"{file} says {first!r} and serves {served}"
        assert any(line.strip() for line in rest), f"{file} has no business sentence"
        assert callable(module.handler), file


def test_sibling_paths_name_their_parameter_alike() -> None:
    """API Gateway refuses two names for one variable path part."""
    names: dict[str, set[str]] = {}
    for path in gateway_description()["paths"]:
        parts = path.split("/")
        for index, part in enumerate(parts):
            if part.startswith("{"):
                names.setdefault("/".join(parts[:index]), set()).add(part)

    assert {parent: found for parent, found in names.items() if len(found) > 1} == {}


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every IAM statement of the translated template, with the resource it stands in."""
    for name, resource in translated()["Resources"].items():
        properties = resource.get("Properties", {})
        documents = []
        if resource["Type"] == "AWS::IAM::Role":
            documents += [each["PolicyDocument"] for each in properties.get("Policies", [])]
        if resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            documents.append(properties["PolicyDocument"])
        for document in documents:
            yield from ((name, statement) for statement in document["Statement"])


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_permission_is_wider_than_named_actions_on_named_resources() -> None:
    for name, statement in statements():
        if statement["Effect"] == "Deny":
            continue  # narrows what others allow
        for action in as_list(statement["Action"]):
            service, _, verb = action.partition(":")
            assert verb, f"{name}: {action}"
            assert "*" not in action, f"{name}: {action}"
            traces = service == "xray"  # X-Ray's actions take no resource
            assert traces or "*" not in as_list(statement["Resource"]), f"{name}: {action} on everything"


def grants(role: str) -> set[str]:
    """The actions a role has, through its own and its managed policies."""
    resources = template()["Resources"]
    managed = [each["Ref"] for each in resources[role]["Properties"]["ManagedPolicyArns"]]
    found = {action for name, each in statements() if name == role for action in as_list(each["Action"])}
    for policy in managed:
        found |= {action for name, each in statements() if name == policy for action in as_list(each["Action"])}
    return found


def role_of(function: str) -> str:
    return str(functions()[function]["Role"]["Fn::GetAtt"][0])


# Leases of refused requests; e-mail addresses, SKUs and words, which point at a row; copies of rows in lists.
DELETABLE = ["T#*#OPERATION#*", "T#*#EMAIL#*", "T#*#SKU#*", "T#*#LIST#*", "T#*#TERM#*"]


def test_no_function_scans_the_table_or_deletes_what_a_business_remembers() -> None:
    for name, statement in statements():
        actions = as_list(statement["Action"])
        assert "dynamodb:Scan" not in actions, name
        if "dynamodb:DeleteItem" in actions:
            assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": DELETABLE}}, name


AUDIT_KEYS = ["AUDIT#*"]


def test_only_its_recorder_adds_to_the_audit_log_and_nobody_changes_it() -> None:
    recorders = set()
    for name, statement in statements():
        writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"} & set(as_list(statement["Action"]))
        if not writes or statement["Effect"] == "Deny":
            continue
        [[operator, condition]] = statement.get("Condition", {"none": {}}).items()
        patterns = condition.get("dynamodb:LeadingKeys", ["*"])
        if patterns == AUDIT_KEYS and operator == "ForAllValues:StringLike":
            assert writes == {"dynamodb:PutItem"}, name
            recorders.add(name)
        elif not all(pattern.startswith("T#") for pattern in patterns):
            assert denied(name), f"{name} may write the audit log"

    assert recorders == {"AuditRecorderRole"}
    assert [name for name in functions() if role_of(name) == "AuditRecorderRole"] == ["StreamsRecordAudit"]


def denied(policy: str) -> bool:
    """Whether whoever has ``policy`` is refused the keys of the audit log."""
    return any(
        name == policy
        and statement["Effect"] == "Deny"
        and {"dynamodb:PutItem", "dynamodb:UpdateItem"} <= set(as_list(statement["Action"]))
        and statement["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": AUDIT_KEYS}}
        for name, statement in statements()
    )


def test_only_payment_functions_read_stripes_secrets() -> None:
    readers = {name for name in functions() if "secretsmanager:GetSecretValue" in grants(role_of(name))}

    assert readers == {
        "AdminCreatePaymentIntent",
        "AdminRedeemGiftCard",
        "AdminRedeemStoreCredit",
        "AdminSetOrderStatus",
        "AdminCancelOrder",
        "QueuesExecuteRefund",
        "SchedulesResumeRefunds",
        "V2CancelOrder",
        "QueuesApplyStripeEvent",
        "SchedulesExpireOrders",
        "SchedulesReconcilePayments",
        "StorefrontCancelMyOrder",
        "StripeWebhookReceiveStripeEvent",
        "V2CancelPayment",
        "V2CapturePayment",
        "V2CreatePaymentIntent",
        "V2RespondToDispute",
        "V2SetOrderStatus",
    }


# What they write follows a call that cannot be planned twice: a code is spent, a delivery is stored. And a file that is
# read by GET is written first.
OUTSIDE = {"OauthIssueToken", "OauthRevokeToken", "StripeWebhookReceiveStripeEvent"} | {
    *("AdminExportProducts", "AdminExportOrders", "AdminExportInventory"),
    "AdminGetInvoice",  # who asks first makes it
}


def test_reading_endpoints_cannot_write() -> None:
    for function, route, _ in routes():
        writes = {"dynamodb:PutItem", "dynamodb:UpdateItem"} & grants(role_of(function))
        counts_calls = route.budgets is not None
        assert bool(writes) == (route.mutates or function in OUTSIDE or counts_calls), function


def test_who_only_counts_calls_can_write_nothing_else() -> None:
    counting = {
        role_of(function)
        for function, route, _ in routes()
        if route.budgets and not route.mutates and function not in OUTSIDE
    }
    (only,) = (each for name, each in statements() if name == "CallCounts")

    assert only["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["T#*#LIMIT#*"]}}
    for role in (*counting, "AuthorizerRole"):
        properties = template()["Resources"][role]["Properties"]
        assert {"Ref": "TableWrites"} not in properties["ManagedPolicyArns"], role
        own = {action for name, each in statements() if name == role for action in as_list(each["Action"])}
        assert own <= {"dynamodb:GetItem", "dynamodb:BatchGetItem"}, role


def test_the_public_buckets_door_is_shut_and_its_connections_are_encrypted() -> None:
    resources = template()["Resources"]
    bucket = resources["FilesBucket"]["Properties"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert resources["FilesBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Condition"] == {
        "Bool": {"aws:SecureTransport": "false"}
    }


def test_every_queue_that_works_has_a_dead_letter_queue_and_every_dead_letter_an_alarm() -> None:
    resources = template()["Resources"]
    queues = {name for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"}
    dead = {name for name in queues if "DeadLetters" in name}
    alarmed = {
        dimension["Value"]["Fn::GetAtt"][0]
        for each in resources.values()
        if each["Type"] == "AWS::CloudWatch::Alarm" and each["Properties"]["Namespace"] == "AWS/SQS"
        for dimension in each["Properties"]["Dimensions"]
    }

    for name in queues - dead:
        assert resources[name]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] in dead
    assert alarmed == dead


def test_access_logs_hold_no_path_and_no_query() -> None:
    form = template()["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"]

    assert "$context.resourcePath" in form
    for variable in ("$context.path", "querystring", "$context.identity", "$input"):
        assert variable not in form
