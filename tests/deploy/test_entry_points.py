"""How the platform gets in: staff pages and commands as Lambdas, and as containers."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
import yaml

from audit.archive import is_archived
from audit.seals import due_days
from backoffice import lambda_jobs, lambda_pages
from backoffice.jobs.records import Job
from dynamodb.times import utc_now
from payments.queries import get_payment
from tests.builders import opened, transferred
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


def test_each_command_that_the_platform_runs_by_the_clock_does_its_work(archive: None) -> None:
    scheduled = re.findall(r'"command": "(\w+)"', (ROOT / "deploy/template.yaml").read_text())
    assert set(scheduled) == lambda_jobs.COMMANDS.keys()
    source, target = opened("a", balance=5_000), opened("b")
    due = transferred(source, target, scheduled_for="2026-03-03").payment
    with time_machine.travel(datetime(2026, 4, 2, 3, tzinfo=UTC), tick=False):
        for command in ("settle_pending", "run_worker", "seal_audit", "archive_audit"):
            lambda_jobs.handler({"command": command}, None)
        assert due_days(at=utc_now()) == []
    paid = get_payment(due.id)
    assert paid is not None
    assert paid.is_processed()
    assert [(job.kind, job.state) for job in Job.scan()] == [("sweep", "done")]
    assert is_archived("2026-03")
    with pytest.raises(KeyError):
        lambda_jobs.handler({"command": "seed_test_data"}, None)


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
