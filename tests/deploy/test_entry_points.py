"""How the platform gets in: staff pages and commands as Lambdas, and as containers."""

import re
from typing import Any

import pytest
import yaml

from backoffice import lambda_jobs, lambda_pages
from tests.engines import ROOT
from tests.payments.gateway import v1, v2


@pytest.mark.usefixtures("moto_store")
@pytest.mark.parametrize("make", [v1, v2])
def test_pages_behind_the_gateway(make: Any) -> None:
    event = make("GET", "/admin/login/", headers={"Host": "localhost"}, claims=None)
    answer = lambda_pages.handler(event, None)
    assert answer["statusCode"] == 200
    headers = answer.get("headers") or {
        name: values[0] for name, values in answer["multiValueHeaders"].items()
    }
    headers = {name.lower(): value for name, value in headers.items()}
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "no-store" in headers["cache-control"]


@pytest.mark.usefixtures("moto_store")
@pytest.mark.parametrize("command", ["run_worker", "settle_pending", "sweep_alerts"])
def test_commands_by_the_clock(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    lambda_jobs.handler({"command": command}, None)


def test_the_container_takes_all_that_it_runs() -> None:
    lines = (ROOT / "deploy/Containerfile").read_text()
    copied = {
        part
        for line in re.findall(r"^COPY (.*) \S+$", lines, re.MULTILINE)
        for part in line.split()
    }
    assert copied >= {"audit", "backoffice", "dynamodb", "payments", "templates", "manage.py"}
    assert all((ROOT / part).exists() for part in copied)
    let_in = (ROOT / ".dockerignore").read_text().split()
    assert {f"!{part}" for part in copied} <= set(let_in)


def test_compose_serves_loopback_only() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    assert services.keys() == {"dynamodb", "setup", "pages", "worker"}
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
