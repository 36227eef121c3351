"""Operators' commands of compliance."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from backoffice.jobs.chores import CHORES
from backoffice.jobs.records import Job
from backoffice.jobs.worker import Worker
from backoffice.permissions import Role
from dynamodb.times import utc_now
from payments.alerts.records import Alert
from tests.backoffice.people import a_member, chain
from tests.backoffice.test_money_commands import run
from tests.builders import opened, transferred

pytestmark = pytest.mark.usefixtures("moto_store")


@pytest.fixture(autouse=True)
def staff(moto_store: None) -> Iterator[None]:
    """Who may sweep, in the middle of a day: what was paid today and what last night differs."""
    with time_machine.travel(utc_now().replace(hour=12)):
        a_member(username="compliance1", roles=[Role.COMPLIANCE])
        yield


def swept(*options: str, operator: str = "compliance1") -> dict[str, Any]:
    return run("sweep_alerts", *options, operator=operator)


def test_a_sweep_says_what_it_found_and_is_in_the_trail() -> None:
    target = opened("b")
    for number in range(3):
        source = opened(f"a{number}", customer_id="c", balance=990_000)
        transferred(source, target, at=utc_now() - timedelta(hours=number), amount_minor=980_000)
    report = swept()
    assert (report["exit_code"], report["raised"]) == (0, {"dormant_active": 4, "structuring": 1})
    (new,) = [alert for alert in Alert.scan() if alert.rule == "structuring"]
    assert (new.rule, new.customer_id, new.payment_count) == ("structuring", "c", 3)
    yesterday = (utc_now() - timedelta(days=1)).date().isoformat()
    again = swept("--since", yesterday)
    assert (again["raised"], again["known"]) == ({}, 6)
    assert chain("person:compliance1")[0].action == "command.run"


def test_the_worker_sweeps_once_a_day_without_being_asked(client: Client) -> None:
    target = opened("b")
    for number in range(3):
        source = opened(f"a{number}", customer_id="c", balance=990_000)
        transferred(source, target, at=utc_now() - timedelta(hours=number), amount_minor=980_000)
    chores = [each for each in CHORES if "sweep" in each.name]
    for _ in range(2):
        Worker(say=lambda _: None, chores=chores).run_once()
    assert "structuring" in {alert.rule for alert in Alert.scan()}
    job = f"sweep-{utc_now():%Y-%m-%d}"
    assert [entry.action for entry in chain(f"job:{job}")] == [
        "job.done",
        "job.claimed",
        "job.queued",
    ]
    for role, status in ((Role.COMPLIANCE, 200), (Role.SUPERVISOR, 404), (Role.ADMIN, 404)):
        client.force_login(a_member(username=f"an-{role}", roles=[role]))
        assert client.get(f"/admin/jobs/{job}/").status_code == status
    with time_machine.travel(utc_now() + timedelta(days=1)):
        Worker(say=lambda _: None, chores=chores).run_once()
    assert len(list(Job.scan())) == 2


@pytest.mark.parametrize("role", [Role.TELLER, Role.SUPERVISOR, Role.ADMIN])
def test_nobody_but_compliance_may_sweep(role: Role) -> None:
    a_member(username="other", roles=[role])
    assert swept(operator="other")["exit_code"] == 2


def test_a_day_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(CommandError, match="is not a day"):
        call_command("sweep_alerts", "--since", "yesterday")
