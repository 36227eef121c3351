"""The template that is deployed: what the records declare, and nothing that undoes history."""

import fnmatch
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from django.core.management import get_commands

from backoffice import lambda_jobs
from deploy.tables import TEMPLATE, rewritten
from dynamodb import client, tables
from dynamodb.settings import Settings
from payments import policy
from payments.events.receivers import ELSEWHERE
from payments.http.routes import ROUTES
from tests.builders import opened
from tests.payments.gateway import ask, ask_transfer, v2

Template = dict[str, Any]
ROLES = ("ServiceRole", "StaffRole", "JobsRole")
PARAMETERS = {
    "Stage": "staging",
    "TablePrefix": "stack-",
    "CodeBucket": "code",
    "ServiceKey": "service.zip",
    "BackofficeKey": "backoffice.zip",
    "TokenIssuer": "https://issuer.example",
    "TokenAudience": "payments",
    "StaffHosts": "staff.example",
    "SealKeySecret": "seal-key",
    "AlarmEmail": "somebody@example.com",
}


HISTORY = ("audit_log", "payments", "accounts", "alerts", "seals", "audit_heads", "idempotency")


def logical_id(table: str) -> str:
    return f"{table.title().replace('_', '')}Table"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms, ``!Ref x`` as ``{"Ref": "x"}``."""


def _short_form(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".")
    else:
        assert isinstance(node, yaml.SequenceNode)
        value = loader.construct_sequence(node, deep=True)
    return {tag if tag == "Ref" else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short_form)


@pytest.fixture(scope="module")
def template() -> Template:
    found: Template = yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 - a safe loader
    return found


def of_type(template: Template, kind: str) -> dict[str, Any]:
    resources = template["Resources"]
    return {name: each for name, each in resources.items() if each["Type"] == f"AWS::{kind}"}


def test_the_tables_are_those_that_the_records_declare() -> None:
    text = TEMPLATE.read_text()
    assert rewritten(text) == text, "run `make template`"


def test_every_table_is_kept_encrypted_and_can_be_brought_back(template: Template) -> None:
    declared = of_type(template, "DynamoDB::Table")
    assert len(declared) == len(tables.all_records())
    for table in declared.values():
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
        kept = table["Properties"]
        assert kept["DeletionProtectionEnabled"] is True
        assert kept["SSESpecification"] == {"SSEEnabled": True}
        assert kept["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    expiring = {n for n, t in declared.items() if "TimeToLiveSpecification" in t["Properties"]}
    assert "SessionsTable" in expiring
    assert not expiring & {logical_id(table) for table in HISTORY}


def test_the_archive_is_locked(template: Template) -> None:
    bucket = template["Resources"]["ArchiveBucket"]
    assert bucket["Properties"]["ObjectLockEnabled"] is True
    assert bucket["DeletionPolicy"] == "Retain"


def test_the_linter_finds_nothing() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    run = subprocess.run(
        [sys.executable, lint, TEMPLATE], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "")


def test_every_address_has_its_route_and_scope(template: Template) -> None:
    routes = {
        route["Properties"]["RouteKey"]: route["Properties"].get("AuthorizationScopes", [""])
        for name, route in of_type(template, "ApiGatewayV2::Route").items()
        if name != "StaffRoute"
    }
    served = {}
    for route in ROUTES:
        path = route.path.pattern.replace("(?P<id>.+)", "{id}").replace("\\", "")
        served[f"{route.method} {path}"] = [route.scope]
    assert routes == served


def test_what_is_scheduled_can_be_run(template: Template) -> None:
    asked = {
        yaml.safe_load(target["Input"])["command"]
        for rule in of_type(template, "Events::Rule").values()
        for target in rule["Properties"]["Targets"]
    }
    assert asked == lambda_jobs.COMMANDS.keys()
    assert asked <= get_commands().keys()
    with pytest.raises(KeyError):
        lambda_jobs.handler({"command": "create_staff"}, None)


def statements(template: Template, role: str) -> Iterator[dict[str, Any]]:
    """All that a role is allowed and denied."""
    for policy_of in template["Resources"][role]["Properties"]["Policies"]:
        yield from policy_of["PolicyDocument"]["Statement"]
    for each in of_type(template, "IAM::ManagedPolicy").values():
        if {"Ref": role} in each["Properties"]["Roles"]:
            yield from each["Properties"]["PolicyDocument"]["Statement"]


def may(template: Template, role: str, action: str, table: str) -> bool:
    """Whether a role may do something with a table, as IAM evaluates it: a denial wins."""
    hits = [each["Effect"] for each in statements(template, role) if _hits(each, action, table)]
    return "Allow" in hits and "Deny" not in hits


def _hits(statement: dict[str, Any], action: str, table: str) -> bool:
    actions = statement["Action"]
    actions = [actions] if isinstance(actions, str) else actions
    if not any(fnmatch.fnmatchcase(f"dynamodb:{action}", pattern) for pattern in actions):
        return False
    excepted = "NotResource" in statement
    resources = statement["NotResource" if excepted else "Resource"]
    resources = resources if isinstance(resources, list) else [resources]
    return any(_names(resource, table) for resource in resources) is not excepted


def _names(resource: Any, table: str) -> bool:
    if resource == "*":
        return True
    every = str(resource.get("Fn::Sub", "")).endswith("table/${TablePrefix}*")
    return every or resource == {"Fn::GetAtt": [logical_id(table), "Arn"]}


@pytest.mark.parametrize("role", ROLES)
def test_no_role_can_undo_history(template: Template, role: str) -> None:
    for action in ("DeleteItem", "BatchWriteItem", "PartiQLDelete", "DeleteTable", "UpdateTable"):
        assert not any(may(template, role, action, table) for table in HISTORY), action
    for action in ("UpdateItem", "PartiQLUpdate", "DeleteItem"):
        assert not may(template, role, action, "audit_log"), action
    assert may(template, role, "PutItem", "audit_log")
    assert may(template, role, "Scan", "payments") is (role == "JobsRole")
    assert not any("*" in str(each["Action"]) for each in statements(template, role))


def test_the_function_of_events_may_do_no_more_than_it_must(template: Template) -> None:
    assert {
        (action, table)
        for action in ("PutItem", "UpdateItem", "DeleteItem", "Query", "GetItem", "Scan")
        for table in (*HISTORY, "deliveries", "event_feeds", "staff")
        if may(template, "EventsRole", action, table)
    } == {("PutItem", "deliveries"), ("Query", "deliveries")}
    mappings = of_type(template, "Lambda::EventSourceMapping").values()
    fed = {each["Properties"]["EventSourceArn"]["Fn::GetAtt"][0] for each in mappings}
    declared = {logical_id(str(r.Meta.table_name)) for r in tables.all_records() if r.stream}
    assert fed == declared
    for each in mappings:
        assert each["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        left = each["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
        assert left == {"Fn::GetAtt": ["EventLeftovers", "Arn"]}
    alarms = of_type(template, "CloudWatch::Alarm")
    watched = [each["Properties"]["Dimensions"][0]["Value"] for each in alarms.values()]
    assert {"Fn::GetAtt": ["EventLeftovers", "QueueName"]} in watched


def test_secrets_are_given_to_who_sends(template: Template) -> None:
    given = {
        name: each["Properties"]["Environment"]["Variables"].get("EVENT_WEBHOOK_SECRETS")
        for name, each in of_type(template, "Lambda::Function").items()
    }
    assert given.pop("EventsFunction") == given.pop("JobsFunction")
    assert given == {"ServiceFunction": None, "StaffFunction": ELSEWHERE}


ACTIONS = {"Put": "PutItem", "Update": "UpdateItem", "ConditionCheck": "ConditionCheckItem"}


def sent(seen: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """What was asked of the store: actions as IAM names them, and tables."""
    for operation, arguments in seen:
        for action in arguments.get("TransactItems", ()):
            (kind, one), *_ = action.items()
            yield ACTIONS[kind], one["TableName"]
        for table in arguments.get("RequestItems", ()):
            yield operation, table
        if "TableName" in arguments:
            yield operation, arguments["TableName"]


MAPPINGS = re.compile(r"  \w+:\n    Type: AWS::Lambda::EventSourceMapping\n(?:    .*\n)+")
"""Where a table feeds a function moto runs that function in a container, with each write."""


@pytest.fixture
def stack(moto_store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the template declares, as far as moto knows it, and the tables in use."""
    logging.getLogger("moto").setLevel(logging.ERROR)
    boto3.client("s3", "us-east-1").create_bucket(Bucket="code")
    for key in ("service.zip", "backoffice.zip"):
        boto3.client("s3", "us-east-1").put_object(Bucket="code", Key=key, Body=b"PK")
    parameters = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()
    ]
    boto3.client("cloudformation", "us-east-1").create_stack(
        StackName="payments",
        TemplateBody=MAPPINGS.sub("", TEMPLATE.read_text()),
        Parameters=parameters,
        Capabilities=["CAPABILITY_IAM"],
    )
    settings = Settings(table_prefix="stack-", cursor_signing_key="a test's own")
    monkeypatch.setattr(client, "_settings", settings)


@pytest.mark.usefixtures("stack")
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_the_handler_runs_against_the_stack_within_its_role(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto knows no recovery, expiry or encryption of stacks; those are looked at above."""
    reports = tables.ensure_tables()
    assert not any(report.created for report in reports)
    differences = [text for report in reports for text in report.differences]
    known = ("recovery is off", "declared is expires_at", "it is not encrypted as declared")
    assert [text for text in differences if not text.endswith(known)] == []
    policy.configure(policy.Policy(large_transaction_threshold=2000))
    source, target = opened("a", balance=5000), opened("b")
    seen: list[tuple[str, Any]] = []
    call = client.call

    def watched(operation: str, **arguments: Any) -> Any:
        seen.append((operation, arguments))
        return call(operation, **arguments)

    for module in [name for name in sys.modules if name.startswith(("dynamodb.", "payments."))]:
        if getattr(sys.modules[module], "call", None) is call:
            monkeypatch.setattr(sys.modules[module], "call", watched)
    body = {"from_account_id": source.id, "to_account_id": target.id, "currency": "USD"}
    statuses = [
        ask_transfer(body | {"amount": amount}, key=f"k{amount}", **more).status
        for amount, more in [(1000, {}), (2500, {}), (9000, {}), (0, {}), (5, {"claims": None})]
    ]
    assert statuses == [201, 201, 422, 400, 401]
    for path in (f"/accounts/{source.id}", f"/customers/{source.customer_id}/payments"):
        assert ask(v2("GET", path)).status == 200
    asked = {(action, table.removeprefix("stack-")) for action, table in sent(seen)}
    assert {("PutItem", "alerts"), ("PutItem", "audit_log"), ("UpdateItem", "accounts")} <= asked
    for action, table in asked:
        assert may(template, "ServiceRole", action, table), f"{action} on {table}"
