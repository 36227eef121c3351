"""The service against its own description: every check of schemathesis, on DynamoDB Local."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml

from payments import policy
from payments.http.server import Server
from payments.lambda_handler import handler
from payments.models import Account, Payment
from payments.money import currency_codes
from payments.wire import visible
from tests.builders import opened, transferred
from tests.engines import ROOT

EXAMPLES = 1000 if os.environ.get("LOAD") == "full" else 100

CONFIGURATION = f"""
hooks = "tests.payments.test_service_schema"

[warnings]
enabled = false

[phases.stateful.generation]
max-examples = {EXAMPLES // 10}

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx"]
"""
"""A rule may refuse what is well-formed; nothing may fail."""


@schemathesis.hook
def map_body(_: object, body: Any) -> Any:
    """JSON Schema takes 10.0 for an integer. The service does not: it may be a rounded 9.999."""
    if isinstance(body, dict) and isinstance(amount := body.get("amount"), float):
        body["amount"] = int(amount) if amount.is_integer() else amount
    return body


@pytest.fixture
def described() -> dict[str, Any]:
    description: dict[str, Any] = yaml.safe_load((ROOT / "deploy/openapi.yaml").read_text())
    return description


@pytest.fixture
def service(local_store: None) -> Iterator[str]:
    server = Server(0, handler, development=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.stop()
    thread.join()


def test_the_description_knows_every_currency(described: dict[str, Any]) -> None:
    assert described["components"]["schemas"]["Currency"]["enum"] == currency_codes()


@pytest.mark.parametrize("model", [Account, Payment])
def test_the_description_knows_every_attribute(
    described: dict[str, Any], model: type[Account] | type[Payment]
) -> None:
    properties = described["components"]["schemas"][model.__name__]["properties"].keys()
    shown = visible(model, {name: {"S": ""} for name in model.get_attributes()}).keys()
    assert properties - {"available"} == shown


@pytest.mark.integration
@pytest.mark.load
@pytest.mark.timeout(1800)
def test_the_service_is_as_described(
    described: dict[str, Any], service: str, tmp_path: Path
) -> None:
    policy.configure(policy.Policy(approval_threshold=100_000))
    _name_what_is_there(described)
    (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(described))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    run = subprocess.run(
        [
            *(sys.executable, Path(sys.executable).with_name("schemathesis"), "run"),
            "openapi.yaml",
            *("--url", service, "-H", "Authorization: Bearer dev-schemathesis"),
            *("--checks", "all", "--max-examples", str(EXAMPLES), "--continue-on-failure"),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr
    assert "5 selected / 5 total" in run.stdout


def _name_what_is_there(described: dict[str, Any]) -> None:
    """Let valid requests name records that exist, and others that do not."""
    source, target = opened("a", balance=10**12), opened("b")
    payment = transferred(source, target).payment
    fields = described["components"]["schemas"]["Transfer"]["properties"]
    fields["from_account_id"] = {"enum": [source.id, source.account_number, "acc_none"]}
    fields["to_account_id"] = {"enum": [target.id, target.account_number, "acc_no"]}
    fields["currency"] = {"enum": ["USD", "USD", "EUR"]}
    fields["customer_id"] = {"enum": ["", source.customer_id, "somebody else"]}
    fields["amount"] |= {"maximum": 1_000_000}
    paths = described["paths"]
    paths["/accounts/{id}"]["get"]["parameters"][0]["example"] = source.id
    paths["/payments/{id}"]["get"]["parameters"][0]["example"] = payment.id
    customer, _, cursor = paths["/customers/{id}/payments"]["get"]["parameters"]
    customer["example"] = source.customer_id
    cursor["schema"] = {"enum": [""]}
