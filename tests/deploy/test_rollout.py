"""A deployment asks before it changes anything, and says in a sentence why it does not."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from rich.console import Console

from deploy import rollout
from deploy.rollout import Rollout, RolloutError
from tests.deploy.test_template import PARAMETERS
from tests.stores import set_credentials

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")

SET = {name: value for name, value in PARAMETERS.items() if name not in ("Stage", "ServiceKey")}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An account with a bucket for packages, and a stage that is set up for it."""
    set_credentials(monkeypatch)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(rollout, "STAGES", tmp_path)
    logging.getLogger("moto").setLevel(logging.ERROR)
    (tmp_path / "staging.json").write_text(json.dumps(SET))
    (tmp_path / "service.zip").write_bytes(b"PK")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="code")
        yield tmp_path


def deploy(folder: Path, answer: str) -> str:
    """Deploy to staging, and answer the question; gives what was printed."""
    printed = io.StringIO()
    ask: Callable[[str], str] = lambda _: answer  # noqa: E731 - one line is all of it
    deployment = Rollout(stage="staging", ask=ask, console=Console(file=printed, width=200))
    package = folder / "service.zip"
    deployment.run(lambda: {"ServiceKey": package, "BackofficeKey": package})
    return printed.getvalue()


def stacks() -> list[str]:
    found = boto3.client("cloudformation").describe_stacks()["Stacks"]
    return [each["StackName"] for each in found if each["StackStatus"] == "CREATE_COMPLETE"]


def test_nothing_is_deployed_without_its_name(account: Path) -> None:
    with pytest.raises(RolloutError, match="Nothing was deployed"):
        deploy(account, "yes")
    assert stacks() == []


def test_what_would_change_is_shown_and_deployed_once_confirmed(account: Path) -> None:
    printed = deploy(account, "staging")
    assert "AuditLogTable" in printed
    assert stacks() == ["payments-staging"]
    assert boto3.client("dynamodb").describe_table(TableName="stack-accounts")


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, account: Path) -> None:
    monkeypatch.setattr(boto3.Session, "get_credentials", lambda _: None)
    with pytest.raises(RolloutError, match=r"There are no AWS credentials: sign in .*\."):
        deploy(account, "staging")


def test_a_stage_that_is_not_set_up(account: Path) -> None:
    (account / "staging.json").write_text(json.dumps(SET | {"TokenIssuer": "CHANGE-ME"}))
    with pytest.raises(RolloutError, match=r"Set TokenIssuer in deploy/stages/staging.json first"):
        deploy(account, "staging")


@pytest.mark.parametrize(("action", "replaced"), [("Remove", ""), ("Modify", "True")])
def test_nothing_that_holds_records_is_removed_or_replaced(action: str, replaced: str) -> None:
    change = {
        "Action": action,
        "Replacement": replaced,
        "LogicalResourceId": "AuditLogTable",
        "ResourceType": "AWS::DynamoDB::Table",
    }
    with pytest.raises(RolloutError, match="AuditLogTable would be removed or replaced"):
        rollout._refuse_losses([{"ResourceChange": change}])
    rollout._refuse_losses([{"ResourceChange": change | {"ResourceType": "AWS::Lambda::Function"}}])
