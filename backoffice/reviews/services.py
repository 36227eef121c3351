"""Preparing, deciding and signing the review of a day. Every step is an entry of its chain."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from audit import trail
from audit.context import Actor
from audit.trail import Event
from backoffice.reviews import queries
from backoffice.reviews.gathering import gather
from backoffice.reviews.records import DayReview, Decision, Kind, ReviewItem, ReviewStatus
from backoffice.reviews.refusals import AlreadySigned, ItemsOpen, NoteMissing, NotOverYet
from dynamodb import store
from dynamodb.retries import settle
from dynamodb.transactions import Transaction
from payments.alerts import cases
from payments.alerts.services import find_alert
from payments.queries import get_payment

SYSTEM = Actor(id="system:review")

_CHUNK = 50
"""Items of one commit, well below the hundred actions that it may have."""

_SIGNED = ("item_id", "occurrences", "decision", "note", "case_id", "decided_by")
"""What a signature covers of each item."""

LATE = timedelta(minutes=15)
"""How long after its end a day is left alone, so that its last entries have reached the index."""


def prepare(day: date, *, actor: Actor, at: datetime) -> DayReview:
    """Gather what there is to review of a day that is over; a prepared day stays as it is.

    Stopped half-way it can be run again: what is there already is kept. Raises ``NotOverYet``.
    """
    if at < queries.end_of(day) + LATE:
        raise NotOverYet(day)
    if review := queries.find(day):
        return review
    items = gather(day)
    left = iter(items)
    while chunk := list(islice(left, _CHUNK)):
        _put(chunk, at)
    review = DayReview(
        day=day.isoformat(), status=ReviewStatus.OPEN, items=len(items), open_items=len(items)
    )
    return trail.create_once("review", review, _event(review, "review.prepared", actor), at=at)


def _put(items: Sequence[ReviewItem], at: datetime) -> None:
    found = store.get_many([ReviewItem(day=each.day, item_id=each.item_id) for each in items])
    known: dict[str, Any] = {each.item_id: it for each, it in zip(items, found, strict=True)}

    def build(tx: Transaction) -> None:
        for each in items:
            if known[each.item_id] is None:
                tx.put_new(each.item_id, each)

    settle(build, known, at=at)


def decide(
    day: date,
    item_ids: Sequence[str],
    *,
    decision: Decision,
    note: str = "",
    case_id: str = "",
    name: str = "",
    actor: Actor,
    at: datetime,
) -> DayReview:
    """Tick items, at most 50, note something about them or make them part of a case.

    Without a ``case_id`` a new case is opened, by the request's ``name``. May be changed until the
    day is signed. Raises ``AlreadySigned``, ``NoteMissing`` and what opening a case does.
    """
    if not note and (decision == Decision.NOTED or (decision == Decision.CASE and not case_id)):
        raise NoteMissing
    keys = {each: ReviewItem(day=day.isoformat(), item_id=each) for each in item_ids[:_CHUNK]}
    found = store.get_many([DayReview(day=day.isoformat()), *keys.values()])
    known: dict[str, Any] = dict(zip(("review", *keys), found, strict=True))
    first = next((item for item in found[1:] if item is not None), None)
    if decision == Decision.CASE and first is not None:
        _open(known["review"])
        asked = {"case_id": case_id, "name": name, "reason": note}
        case_id = case_for(first, **asked, actor=actor, at=at)
    values = {
        "decision": decision,
        "note": note or None,
        "case_id": case_id if decision == Decision.CASE else None,
        "decided_by": actor.id,
        "decided_at": at,
    }

    def build(tx: Transaction) -> DayReview:
        review = _open(known["review"])
        items = [known[each] for each in keys if known[each] is not None]
        still_open = review.open_items - sum(each.decision is None for each in items)
        for item in items:
            tx.update(item.item_id, item, values)
        named = " ".join(each.item_id for each in items)
        told = f"{decision}: {note or 'looked at'}"
        event = _event(review, f"review.items_{decision}", actor, reason=told, reference=named)
        return trail.change(tx, "review", review, {"open_items": still_open}, event)

    return settle(build, known, at=at)


def sign(day: date, *, actor: Actor, at: datetime) -> DayReview:
    """Sign a day whose items are all decided. Raises ``ItemsOpen``, ``AlreadySigned``."""
    known: dict[str, Any] = {"review": queries.find(day)}

    def build(tx: Transaction) -> DayReview:
        review = _open(known["review"])
        if review.open_items:
            raise ItemsOpen(review.open_items)
        changes = {
            "status": ReviewStatus.SIGNED, "signed_by": actor.id, "signed_at": at,
            "digest": digest(queries.all_items(day)),
        }  # fmt: skip
        event = _event(review, "review.signed", actor)
        return trail.change(tx, "review", review, changes, event)

    return settle(build, known, at=at)


def digest(items: Iterator[ReviewItem]) -> str:
    """SHA-256 in hex over what was found and decided, item by item in their order."""
    hashed = hashlib.sha256()
    for item in items:
        told = [getattr(item, name) for name in _SIGNED]
        hashed.update(json.dumps(told, ensure_ascii=False).encode() + b"\n")
    return hashed.hexdigest()


def _open(review: DayReview | None) -> DayReview:
    if review is None or review.status == ReviewStatus.SIGNED:
        raise AlreadySigned
    return review


def _event(
    review: DayReview, action: str, actor: Actor, *, reason: str = "", reference: str = ""
) -> Event:
    return Event(
        entity_id=f"{DayReview.chain_prefix}{review.day}",
        action=action,
        actor=actor,
        reason=reason,
        reference=reference or None,
    )


def case_for(
    item: ReviewItem, *, case_id: str, name: str, reason: str, actor: Actor, at: datetime
) -> str:
    """The id of the case that a line becomes part of; a new one unless ``case_id`` names one.

    ``name`` is the request's own, so the same again opens no second case. Raises ``CaseNotFound``.
    """
    if case_id:
        return cases.find_case(case_id).id
    asked: dict[str, Any] = {"name": name, "reason": reason, "actor": actor, "at": at}
    if item.kind == Kind.MONEY_ALERT:
        alert = find_alert(item.subject)
        return alert.case_id or cases.open_case(alert_id=alert.id, **asked).id
    return cases.open_about(customer_id=_whom(item), **asked).id


def _whom(item: ReviewItem) -> str:
    """Whose case it is: the customer's who paid, else whatever the line is about."""
    payment = get_payment(item.subject) if item.kind == Kind.FIRST_PAIR else None
    return (payment.customer_id if payment else None) or item.subject
