"""`make deploy-staging` and `deploy-prod`: validate, show what would change, ask, deploy."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from rich.console import Console
from rich.table import Table

from deploy import build
from deploy.tables import TEMPLATE

STAGES = Path(__file__).with_name("stages")
UNSET = "CHANGE-ME"
KEPT = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")
"""What is never removed or replaced by a deployment."""


class RolloutError(Exception):
    """Why nothing is deployed, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One deployment of one stage. ``ask`` puts a question to a person and gives what they type."""

    stage: str
    ask: Callable[[str], str]
    console: Console

    @property
    def stack(self) -> str:
        return f"payments-{self.stage}"

    def run(self, packages: Callable[[], dict[str, Path]]) -> None:
        """Deploy packages by the names of their parameters; raises ``RolloutError``.

        They are made once it is certain that there is where to deploy them to.
        """
        if boto3.Session().get_credentials() is None:
            raise RolloutError("There are no AWS credentials: sign in to the account first.")
        parameters = parameters_of(self.stage)
        bucket = parameters["CodeBucket"]
        for name, package in packages().items():
            parameters[name] = _upload(package, bucket)
        template = _upload(TEMPLATE, bucket)
        url = f"https://{bucket}.s3.amazonaws.com/{template}"
        boto3.client("cloudformation").validate_template(TemplateURL=url)
        changes = self._change_set(url, parameters)
        if changes is None:
            self.console.print(f"Nothing would change in {self.stack}.")
            return
        self._show(changes["Changes"])
        _refuse_losses(changes["Changes"])
        if self.ask(f"Type {self.stage} to deploy this: ").strip() != self.stage:
            boto3.client("cloudformation").delete_change_set(ChangeSetName=changes["ChangeSetId"])
            raise RolloutError("Nothing was deployed.")
        self._execute(changes["ChangeSetId"])

    def _change_set(self, url: str, parameters: dict[str, str]) -> dict[str, Any] | None:
        """What would change, ``None`` for nothing."""
        cloud = boto3.client("cloudformation")
        made = cloud.create_change_set(
            StackName=self.stack,
            ChangeSetName=f"rollout-{hashlib.sha256(repr(parameters).encode()).hexdigest()[:16]}",
            ChangeSetType="UPDATE" if self._is_there() else "CREATE",
            TemplateURL=url,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        try:
            cloud.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
        except WaiterError as error:
            reason = error.last_response.get("StatusReason", "")
            cloud.delete_change_set(ChangeSetName=made["Id"])
            if "didn't contain changes" in reason or "No updates" in reason:
                return None
            raise RolloutError(f"The change set cannot be made: {reason}") from error
        pages = cloud.get_paginator("describe_change_set").paginate(ChangeSetName=made["Id"])
        changes = [change for page in pages for change in page["Changes"]]
        return {"ChangeSetId": made["Id"], "Changes": changes}

    def _is_there(self) -> bool:
        try:
            found = boto3.client("cloudformation").describe_stacks(StackName=self.stack)
        except ClientError:
            return False
        return bool(found["Stacks"][0]["StackStatus"] != "REVIEW_IN_PROGRESS")

    def _show(self, changes: list[dict[str, Any]]) -> None:
        table = Table("what", "name", "kind", "replaced", title=self.stack)
        for change in changes:
            one = change["ResourceChange"]
            table.add_row(
                one["Action"],
                one["LogicalResourceId"],
                one["ResourceType"],
                str(one.get("Replacement", "")),
            )
        self.console.print(table)

    def _execute(self, change_set: str) -> None:
        cloud = boto3.client("cloudformation")
        kind = "stack_update_complete" if self._is_there() else "stack_create_complete"
        cloud.execute_change_set(ChangeSetName=change_set)
        try:
            cloud.get_waiter(kind).wait(StackName=self.stack)
        except WaiterError as error:
            raise RolloutError(f"{self.stack} could not be deployed: see its events.") from error
        outputs = cloud.describe_stacks(StackName=self.stack)["Stacks"][0].get("Outputs", [])
        for output in outputs:
            self.console.print(f"{output['OutputKey']}: {output['OutputValue']}")


def parameters_of(stage: str) -> dict[str, str]:
    """A stage's parameters; raises ``RolloutError`` while one of them is not set."""
    path = STAGES / f"{stage}.json"
    parameters: dict[str, str] = json.loads(path.read_text())
    unset = [name for name, value in parameters.items() if value == UNSET]
    if unset:
        raise RolloutError(f"Set {', '.join(unset)} in deploy/stages/{path.name} first.")
    return {**parameters, "Stage": stage, "PythonRuntime": build.RUNTIME}


def _upload(file: Path, bucket: str) -> str:
    """Put a file under a name made from its bytes: what runs can never change under it."""
    content = file.read_bytes()
    key = f"{file.stem}-{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key


def _refuse_losses(changes: list[dict[str, Any]]) -> None:
    """Raise ``RolloutError`` for a change that would lose records."""
    for change in changes:
        one = change["ResourceChange"]
        is_lost = one["Action"] == "Remove" or one.get("Replacement") in ("True", "Conditional")
        if is_lost and one["ResourceType"] in KEPT:
            raise RolloutError(
                f"{one['LogicalResourceId']} would be removed or replaced: nothing was deployed."
            )


def _packages() -> dict[str, Path]:
    target = build.ROOT / "build"
    target.mkdir(exist_ok=True)
    return {
        "ServiceKey": build.build(build.service(), target),
        "BackofficeKey": build.build(build.backoffice(), target),
    }


def main(stage: str) -> None:
    try:
        Rollout(stage=stage, ask=input, console=Console()).run(_packages)
    except (RolloutError, build.BuildError) as error:
        sys.exit(str(error))
    except EOFError:
        sys.exit("Nothing was deployed: nobody answered.")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS refuses: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
