"""Cases: related alerts of one customer, looked into and decided together, in one commit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit import trail
from audit.context import Actor
from dynamodb import store
from dynamodb.retries import settle
from dynamodb.transactions import Transaction
from payments import attempts, turns
from payments.alerts import queries
from payments.alerts.records import Alert, Case, CaseStatus, Outcome
from payments.alerts.services import (
    NOTE_LENGTH,
    change_work,
    event_of,
    find_alert,
    require_unresolved,
    resolution,
)
from payments.identifiers import is_payment_id
from payments.refusals import CaseNotFound, InvalidField, WrongState
from payments.requests import checked_reason

MOST_ALERTS = 40
"""A case and all its alerts are decided in one commit, of at most 100 actions, two for each."""


def find_case(case_id: str) -> Case:
    """A case by its id; raises ``CaseNotFound``."""
    return store.get_or_raise(Case(id=case_id), CaseNotFound)


def open_case(*, name: str, alert_id: str, reason: str, actor: Actor, at: datetime) -> Case:
    """Open a case with an alert and all others of its customer that nobody has decided yet.

    ``name`` is the request's own, a UUIDv7: the same again finds the case it made. Raises
    ``WrongState`` where the alert is resolved or has a case.
    """
    return _open(name, reason, actor, at, alert_id=alert_id)


def open_about(*, name: str, customer_id: str, reason: str, actor: Actor, at: datetime) -> Case:
    """Open a case that no alert has led to: about a customer, or whatever else has an id.

    ``name`` is the request's own, as in ``open_case``.
    """
    return _open(name, reason, actor, at, customer_id=customer_id)


def _open(
    name: str, reason: str, actor: Actor, at: datetime, *, alert_id: str = "", customer_id: str = ""
) -> Case:
    with attempts.recorded_refusals(subject="case", actor=actor, at=at, reference=alert_id):
        checked_reason(reason, NOTE_LENGTH)
        if not is_payment_id(name):
            raise InvalidField("name", "The request's name is not a UUIDv7.")
        key, alerts = Case(id=f"case_{name}"), _undecided_with(alert_id) if alert_id else []
        customer_id = customer_id or alerts[0].customer_id
        known: dict[str, Any] = {"case": store.get(key), **{each.id: each for each in alerts}}

        def build(tx: Transaction) -> Case:
            if known["case"] is not None:
                found: Case = known["case"]
                return found
            if alert_id:
                _require_free(known[alert_id])
            free = [known[each.id] for each in alerts if _is_free(known[each.id])]
            for each in free:
                _join(tx, each, key.id, actor)
            values = {
                "customer_id": customer_id,
                "status": CaseStatus.OPEN,
                "alerts": [each.id for each in free],
                "opened_by": actor.id,
            }
            event = event_of(key.id, "case.opened", actor, reason)
            return trail.create(tx, "case", key.with_changes(values), event)

        return settle(build, known, at=at, patience=turns.patience())


def _undecided_with(alert_id: str) -> list[Alert]:
    """An alert, and the others of its customer that a case may take in with it."""
    alert = find_alert(alert_id)
    others = queries.undecided_of(alert.customer_id, rows=MOST_ALERTS)
    return [alert, *(each for each in others if each.id != alert_id)][:MOST_ALERTS]


def add_alert(*, case_id: str, alert_id: str, reason: str, actor: Actor, at: datetime) -> Case:
    """Add one more alert of the same customer to an open case."""
    alert = find_alert(alert_id)

    def added(case: Case, tx: Transaction, known: Mapping[str, Any]) -> dict[str, Any] | None:
        if alert.id in case.alerts:
            return None
        _require_open(case)
        _require_free(known[alert.id])
        if alert.customer_id != case.customer_id or len(case.alerts) >= MOST_ALERTS:
            raise WrongState(f"A case is of one customer and has at most {MOST_ALERTS} alerts.")
        _join(tx, known[alert.id], case.id, actor)
        return {"alerts": [*case.alerts, alert.id]}

    return change_work(find_case, case_id, "case.extended", added, reason, actor, at, [alert])


def note_case(*, case_id: str, reason: str, actor: Actor, at: datetime) -> Case:
    """Add a note to the chain of a case, also of one that is closed."""
    return change_work(find_case, case_id, "case.noted", lambda *_: {}, reason, actor, at)


def close_case(*, case_id: str, outcome: Outcome, reason: str, actor: Actor, at: datetime) -> Case:
    """Decide a case and all its alerts for good. The same again is no more than once."""
    alerts = store.get_many([Alert(id=each) for each in find_case(case_id).alerts])

    def closed(case: Case, tx: Transaction, known: Mapping[str, Any]) -> dict[str, Any] | None:
        if (case.closed_by, case.outcome) == (actor.id, outcome):
            return None
        _require_open(case)
        if not known.keys() >= set(case.alerts):
            raise WrongState("An alert was just added. Look at the case again, then decide.")
        for name in case.alerts:
            alert: Alert = known[name]
            event = event_of(alert.id, "alert.resolved", actor, reason, reference=case.id)
            trail.change(tx, name, alert, resolution(outcome, actor, at), event)
        return {
            "status": CaseStatus.CLOSED,
            "outcome": outcome,
            "closed_by": actor.id,
            "closed_at": at,
        }

    return change_work(find_case, case_id, "case.closed", closed, reason, actor, at, alerts)


def _join(tx: Transaction, alert: Alert, case_id: str, actor: Actor) -> None:
    event = event_of(alert.id, "alert.joined_case", actor, reference=case_id)
    trail.change(tx, alert.id, alert, {"case_id": case_id}, event)


def _is_free(alert: Alert) -> bool:
    return not (alert.is_resolved() or alert.case_id)


def _require_free(alert: Alert) -> None:
    require_unresolved(alert)
    if alert.case_id:
        raise WrongState("This alert is part of a case already.")


def _require_open(case: Case) -> None:
    if not case.is_open():
        raise WrongState(f"This case is closed already, by {case.closed_by}.")
