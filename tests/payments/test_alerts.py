"""What compliance does with alerts and cases: decided once, by somebody, with a reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from audit import queries as trail
from audit.context import Actor
from audit.replay import verify_record
from dynamodb.client import count_requests
from dynamodb.scans import plain_item
from payments.alerts import cases, services
from payments.alerts import queries as alert_queries
from payments.alerts.records import Alert, AlertStatus, Case, Outcome
from payments.identifiers import new_payment_id
from payments.refusals import AlertNotFound, CaseNotFound, MissingField, Refusal, WrongState
from tests.builders import NOON
from tests.payments.alarms import an_alert
from tests.payments.banks import raw

REVIEWER, OTHER = Actor(id="compliance1"), Actor(id="compliance2")
BY: dict[str, Any] = {"reason": "Looked into it.", "actor": REVIEWER, "at": NOON}


def actions(entity: str) -> list[str]:
    return [entry.action for entry in reversed(trail.chain_page(entity, person="x").rows)]


def is_whole(record: Alert | Case) -> bool:
    return list(verify_record(type(record), plain_item(raw(record)))) == []


def a_case(alert: Alert, name: str = "") -> Case:
    name = name or new_payment_id(NOON)
    return cases.open_case(name=name, alert_id=alert.id, **BY)


@pytest.mark.usefixtures("moto_store")
class TestAlerts:
    def test_an_alert_goes_its_way_and_its_chain_tells_it(self) -> None:
        name = an_alert("one").id
        assigned = services.assign_alert(alert_id=name, assignee="compliance2", **BY)
        assert (assigned.status, assigned.assigned_to) == (AlertStatus.ASSIGNED, "compliance2")
        services.note_alert(alert_id=name, **BY)
        escalated = services.escalate_alert(alert_id=name, **BY)
        assert (escalated.status, escalated.assigned_to) == (AlertStatus.ESCALATED, "compliance2")
        again = services.assign_alert(alert_id=name, assignee="compliance1", **BY)
        assert again.status == AlertStatus.ESCALATED
        done = services.resolve_alert(alert_id=name, outcome=Outcome.NOT_REPORTED, **BY)
        assert (done.status, done.outcome, done.resolved_by, done.due_at) == (
            AlertStatus.RESOLVED, Outcome.NOT_REPORTED, "compliance1", None,
        )  # fmt: skip
        services.note_alert(alert_id=name, **BY)
        steps = ["raised", "assigned", "noted", "escalated", "assigned", "resolved", "noted"]
        assert actions(name) == [f"alert.{step}" for step in steps]
        assert is_whole(services.find_alert(name))
        entry = trail.chain_page(name, person="x").rows[1]
        assert entry.new_values is not None
        assert entry.new_values["reason"] == "Looked into it."
        assert entry.new_values["outcome"] == "not_reported"

    @pytest.mark.parametrize(
        "act",
        [
            lambda name: services.assign_alert(alert_id=name, assignee="x", **BY),
            lambda name: services.escalate_alert(alert_id=name, **BY),
            lambda name: services.resolve_alert(alert_id=name, outcome=Outcome.REPORTED, **BY),
            lambda name: a_case(services.find_alert(name)),
        ],
    )
    def test_what_is_resolved_stays_and_the_attempt_is_recorded(
        self, act: Callable[[str], object]
    ) -> None:
        name = an_alert("one").id
        services.resolve_alert(alert_id=name, outcome=Outcome.FALSE_ALARM, **BY)
        with pytest.raises(WrongState, match="resolved already"):
            act(name)
        assert services.find_alert(name).outcome == Outcome.FALSE_ALARM
        assert actions("person:compliance1")[-1] in ("alert.refused", "case.refused")

    def test_the_same_twice_is_once(self) -> None:
        name = an_alert("one").id
        for _ in range(2):
            services.assign_alert(alert_id=name, assignee="compliance2", **BY)
        for _ in range(2):
            services.escalate_alert(alert_id=name, **BY)
        for _ in range(2):
            services.resolve_alert(alert_id=name, outcome=Outcome.REPORTED, **BY)
        assert len(actions(name)) == 4

    def test_nothing_is_done_without_a_reason_or_to_what_is_not_there(self) -> None:
        name = an_alert("one").id
        with pytest.raises(MissingField):
            services.escalate_alert(alert_id=name, reason="", actor=REVIEWER, at=NOON)
        with pytest.raises(AlertNotFound):
            services.escalate_alert(alert_id="alert_none", **BY)
        with pytest.raises(CaseNotFound):
            cases.note_case(case_id="case_none", **BY)


@pytest.mark.usefixtures("moto_store")
class TestCases:
    def test_a_case_takes_in_what_is_undecided_and_is_decided_as_one(self) -> None:
        first, second, foreign = an_alert("1"), an_alert("2"), an_alert("3", "d")
        done = services.resolve_alert(alert_id=an_alert("4").id, outcome=Outcome.FALSE_ALARM, **BY)
        case = a_case(first)
        assert set(case.alerts) == {first.id, second.id}
        with pytest.raises(WrongState, match="part of a case"):
            services.resolve_alert(alert_id=first.id, outcome=Outcome.REPORTED, **BY)
        later = an_alert("5")
        cases.add_alert(case_id=case.id, alert_id=later.id, **BY)
        cases.note_case(case_id=case.id, **BY)
        closed = cases.close_case(case_id=case.id, outcome=Outcome.REPORTED, **BY)
        assert (closed.closed_by, closed.outcome) == ("compliance1", Outcome.REPORTED)
        for each in (first, second, later):
            alert = services.find_alert(each.id)
            assert (alert.status, alert.outcome, alert.case_id) == (
                AlertStatus.RESOLVED, Outcome.REPORTED, case.id,
            )  # fmt: skip
            assert actions(each.id) == ["alert.raised", "alert.joined_case", "alert.resolved"]
            assert is_whole(alert)
        assert services.find_alert(foreign.id).status == AlertStatus.OPEN
        assert services.find_alert(done.id).outcome == Outcome.FALSE_ALARM
        assert is_whole(closed)
        steps = ["case.opened", "case.extended", "case.noted", "case.closed"]
        assert actions(case.id) == steps

    def test_the_same_request_again_finds_its_case(self) -> None:
        alert, name = an_alert("1"), new_payment_id(NOON)
        assert a_case(alert, name).id == a_case(alert, name).id
        with pytest.raises(WrongState, match="part of a case already"):
            a_case(alert)
        assert len(list(Case.scan())) == 1

    def test_a_case_is_of_one_customer_and_closed_once(self) -> None:
        case = a_case(an_alert("1"))
        with pytest.raises(WrongState, match="of one customer"):
            cases.add_alert(case_id=case.id, alert_id=an_alert("2", "d").id, **BY)
        for _ in range(2):
            cases.close_case(case_id=case.id, outcome=Outcome.NOT_REPORTED, **BY)
        refused = {**BY, "actor": OTHER}
        with pytest.raises(WrongState, match="closed already"):
            cases.close_case(case_id=case.id, outcome=Outcome.REPORTED, **refused)
        with pytest.raises(WrongState, match="closed already"):
            cases.add_alert(case_id=case.id, alert_id=an_alert("3").id, **BY)
        assert actions(case.id) == ["case.opened", "case.closed"]

    def test_a_case_of_as_many_alerts_as_may_be_fits_one_commit(self) -> None:
        for number in range(cases.MOST_ALERTS + 2):
            last = an_alert(str(number))
        case = a_case(last)
        assert len(case.alerts) == cases.MOST_ALERTS
        assert last.id in case.alerts
        cases.close_case(case_id=case.id, outcome=Outcome.FALSE_ALARM, **BY)
        left = alert_queries.list_alerts(person="x", status="open").rows
        assert len(left) == 2


@pytest.mark.integration
def test_whoever_decides_at_the_same_time_decides_once(local_store: None) -> None:
    alert, second = an_alert("1"), an_alert("2")
    outcomes = [*Outcome, *Outcome]

    def decide(number: int) -> str:
        by = {**BY, "actor": Actor(id=f"compliance{number}")}
        try:
            if number % 2:
                return str(cases.open_case(name=new_payment_id(NOON), alert_id=alert.id, **by).id)
            services.resolve_alert(alert_id=alert.id, outcome=outcomes[number], **by)
        except Refusal:
            return ""
        return "resolved"

    with ThreadPoolExecutor(6) as pool:
        done = [each for each in pool.map(decide, range(6)) if each]
    stands = services.find_alert(alert.id)
    assert done == [stands.case_id or "resolved"]
    assert services.find_alert(second.id).case_id == stands.case_id
    assert all(map(is_whole, (stands, services.find_alert(second.id))))


@pytest.mark.usefixtures("moto_store")
def test_the_overview_counts_states_ages_and_days_in_a_request_for_each_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for days in (0, 0, 1, 10, 29, 30, 40):
        an_alert(str(days) + "x" * len(list(Alert.scan())), at=NOON - timedelta(days=days))
    services.escalate_alert(alert_id=an_alert("e").id, **BY)
    services.resolve_alert(alert_id=an_alert("r").id, outcome=Outcome.FALSE_ALARM, **BY)
    with count_requests() as seen:
        counted = alert_queries.overview(NOON)
    assert seen.operations == ["Query"] * 4
    assert counted.by_state == {"open": 7, "assigned": 0, "escalated": 1}
    assert (counted.overdue, counted.is_cut) == (2, False)
    assert counted.new_by_day["2026-03-02"] == 4
    assert sum(counted.new_by_day.values()) == 6
    assert len(counted.new_by_day) == 14
    monkeypatch.setattr(alert_queries, "MOST_COUNTED", 3)
    with count_requests() as seen:
        counted = alert_queries.overview(NOON)
    assert seen.operations == ["Query"] * 5
    assert counted.by_state == {"open": 3, "assigned": 0, "escalated": 1}
    assert (counted.overdue, counted.is_cut) == (2, True)
    assert counted.new_by_day["2026-03-02"] == 4
    assert sum(counted.new_by_day.values()) == 5
