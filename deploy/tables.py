"""The tables of `deploy/template.yaml`, written from what the records declare.

`make template` puts them between the two marks; a test fails where they differ.
"""

import json
import re
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("template.yaml")
BEGIN, END = "  # tables: written by `make template`\n", "  # end of tables\n"


def resource(declaration: dict[str, Any], expires_at: str) -> dict[str, Any]:
    """A table as CloudFormation declares it, with what AWS only takes later by the API."""
    name = declaration["TableName"]
    properties = declaration | {
        "TableName": {"Fn::Sub": f"${{TablePrefix}}{name}"},
        "DeletionProtectionEnabled": True,
        "SSESpecification": {"SSEEnabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }
    if stream := properties.get("StreamSpecification"):
        properties["StreamSpecification"] = {"StreamViewType": stream["StreamViewType"]}
    if expires_at:
        properties["TimeToLiveSpecification"] = {"AttributeName": expires_at, "Enabled": True}
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def section() -> str:
    """The lines between the marks, one line to a property."""
    lines: list[str] = []
    for name, table in _tables().items():
        lines.append(f"  {name.title().replace('_', '')}Table:")
        properties = table.pop("Properties")
        lines += [f"    {key}: {value}" for key, value in table.items()]
        lines.append("    Properties:")
        lines += [f"      {key}: {_flow(properties[key])}" for key in sorted(properties)]
    return "\n".join(lines) + "\n"


def _tables() -> dict[str, dict[str, Any]]:
    import django

    django.setup()
    from dynamodb import client, tables
    from dynamodb.settings import Settings

    client.configure(Settings(table_prefix="", cursor_signing_key="none"))
    return {
        record.table_name(): resource(tables.declaration(record), record.expires_at_attribute)
        for record in tables.all_records()
    }


def _flow(value: Any) -> str:
    return json.dumps(value)


def rewritten(template: str) -> str:
    """The template with its tables as they are declared now."""
    between = f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})"
    return re.sub(between, lambda _: section(), template, flags=re.DOTALL)


if __name__ == "__main__":
    TEMPLATE.write_text(rewritten(TEMPLATE.read_text()))
