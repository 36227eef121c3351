"""The package of the service: the same bytes each time, whole, and nothing besides."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import build
from deploy.bill import licences
from dynamodb import client
from payments import queries
from tests.builders import opened
from tests.engines import ROOT

RUN = """
import sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if "site-packages" not in path)]
import json
from payments import events_handler, lambda_handler
from payments.events import receivers
receivers._client("us-east-1")
from dynamodb import client
assert client._connection is not None
answers = [lambda_handler.handler(event, None) for event in json.load(sys.stdin)]
home = {name: module.__file__ for name, module in sys.modules.items()
        if getattr(module, "__file__", None)}
strangers = [file for file in home.values()
             if "site-packages" in file or file.startswith(sys.argv[2])]
stale = [name for name, module in sys.modules.items()
         if (getattr(module, "__cached__", None) or "").startswith(sys.argv[1])
         and not __import__("os").path.exists(module.__cached__)]
print(json.dumps({"answers": answers, "strangers": strangers, "stale": stale}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build(build.service(), tmp_path_factory.mktemp("one"))


def test_the_same_sources_make_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = build.build(build.service(), tmp_path)
    assert again.read_bytes() == made.read_bytes()
    bills = [path.with_suffix(".cdx.json").read_text() for path in (made, again)]
    assert bills[0] == bills[1]


def test_only_what_the_handler_needs(made: Path) -> None:
    with zipfile.ZipFile(made) as package:
        names = package.namelist()
    ours = {name for name in names if name.startswith(("payments/", "audit/", "dynamodb/"))}
    assert {"payments/lambda_handler.py", "payments/events_handler.py"} <= ours
    assert not [name for name in names if name.startswith(("django", "boto3", "backoffice"))]
    assert not [name for name in ours if "local" in name or "server" in name]
    data = [name for name in names if name.startswith("botocore/data/") and name.count("/") > 2]
    assert {name.split("/")[2] for name in data} == {"dynamodb", "sns"}
    assert made.stat().st_size < 5_000_000
    sources = [name for name in names if name.endswith(".py")]
    compiled = [name for name in names if name.endswith(f"{sys.implementation.cache_tag}.pyc")]
    assert len(sources) == len(compiled) > 200


def test_the_bill_of_materials(made: Path) -> None:
    text = made.with_suffix(".cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parts = {part["name"]: part for part in json.loads(text)["components"]}
    assert {"botocore", "pynamodb", "urllib3", "uuid_utils"} <= parts.keys()
    assert all(part["licenses"][0]["license"]["name"] != "not stated" for part in parts.values())


def test_no_licence_that_binds_our_own_code() -> None:
    parts = build.parts_of(build.backoffice())
    bound = {name: text for name, text in licences(parts).items() if "GPL" in text}
    assert {name.split()[0] for name in bound} <= {"fpdf2"}, bound
    assert all("Lesser" in text or "LGPL" in text for text in bound.values())


def test_what_is_built_for_another_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sysconfig, "get_platform", lambda: "macosx-14.0-arm64")
    with pytest.raises(build.BuildError, match="x86_64 Linux"):
        build.build(build.service(), tmp_path)


@pytest.mark.integration
def test_the_package_moves_money_by_itself(made: Path, tmp_path: Path, local_store: None) -> None:
    with zipfile.ZipFile(made) as package:
        package.extractall(tmp_path)
    source, target = opened("a", balance=5000), opened("b")
    body = {"from_account_id": source.id, "to_account_id": target.id, "currency": "USD"}
    claims = {"sub": "shop", "scope": "payments/read payments/write", "customers": "*"}
    asked = {"authorizer": {"claims": claims}}
    events: list[dict[str, Any]] = [
        {
            "httpMethod": "POST",
            "path": "/transfers",
            "headers": {"Idempotency-Key": "k"},
            "body": json.dumps(body | {"amount": 1000}),
            "requestContext": asked,
        },
        {"httpMethod": "GET", "path": f"/accounts/{source.id}", "requestContext": asked},
    ]
    settings = client.settings()
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN, str(tmp_path), str(ROOT)],
        env={
            "DYNAMODB_ENDPOINT_URL": settings.endpoint_url,
            "DYNAMODB_TABLE_PREFIX": settings.table_prefix,
            "CURSOR_SIGNING_KEY": "a test's own",
        },
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert [answer["statusCode"] for answer in told["answers"]] == [201, 200], told
    assert (told["strangers"], told["stale"]) == ([], [])
    found = queries.get_account(source.id)
    assert found is not None
    assert found.balance == 4000
