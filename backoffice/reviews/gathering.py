"""What there is to look at in a day: one walk over its trail, grouped by kind and subject."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from django.conf import settings

from audit.models import AuditLog
from backoffice.reviews.hours import WorkingHours
from backoffice.reviews.records import AccountPair, Kind, ReviewItem
from dynamodb import store
from dynamodb.errors import ConditionFailedError
from dynamodb.pages import Query
from dynamodb.scans import query_items
from dynamodb.store import BATCH_KEYS
from dynamodb.times import from_rfc3339
from payments.alerts.records import Alert
from payments.models import Payment
from payments.money import format_amount, in_currency
from payments.queries import get_payments

_BY_ACTION = {
    "access_review.signed": Kind.ADMIN_ACT,
    "account.unlocked": Kind.UNLOCK,
    "address.locked": Kind.FAILED_SIGN_INS,
    "alert.raised": Kind.MONEY_ALERT,
    "person.locked": Kind.FAILED_SIGN_INS,
    "person.proof_refused": Kind.FAILED_SIGN_INS,
    "person.sign_in_refused": Kind.FAILED_SIGN_INS,
    "session.ended": Kind.ADMIN_ACT,
    "staff.roles_changed": Kind.ROLE_CHANGE,
    "staff.unlocked": Kind.UNLOCK,
}
_BY_SUBJECT = {"staff": Kind.ADMIN_ACT, "tables": Kind.ADMIN_ACT}
"""Kinds by the subject of the action, where the action itself has none."""

_PROCESSED = frozenset({"payment.processed", "payment.approved"})


def gather(day: date) -> list[ReviewItem]:
    """All items of a day. Memory grows with the items, not with the day's entries."""
    items: dict[str, ReviewItem] = {}
    for entry in entries_of(day):
        for kind, subject in found_in(entry, settings.WORKING_HOURS):
            item_id = f"{list(Kind).index(kind)}#{subject}"
            item = items.setdefault(item_id, _item(day, item_id, kind, subject, entry))
            item.occurrences += 1
    _name_alerts([item for item in items.values() if item.kind == Kind.MONEY_ALERT])
    for item in first_pairs(day):
        items[item.item_id] = item
    return [items[item_id] for item_id in sorted(items)]


def entries_of(day: date) -> Iterator[AuditLog]:
    """Every entry of a UTC day, as its index shows it, oldest first."""
    query = Query(model=AuditLog, index="day-index", partition=day.isoformat(), newest_first=False)
    return map(AuditLog.from_item, query_items(query))


def found_in(entry: AuditLog, hours: WorkingHours) -> Iterator[tuple[Kind, str]]:
    """What an entry gives to look at: kinds, each with the subject it is counted under. Pure."""
    kind = _BY_ACTION.get(entry.action) or _BY_SUBJECT.get(entry.action.partition(".")[0])
    together = kind in {Kind.FAILED_SIGN_INS, Kind.MONEY_ALERT}
    is_own = not together and entry.entity_id.partition(":")[2] == entry.user_id
    if kind is not None and not is_own:
        yield kind, entry.entity_id if together else f"{entry.entity_id}#{entry.timestamp}"
    if ":" not in entry.user_id and not hours.cover(from_rfc3339(entry.at)):
        yield Kind.OFF_HOURS, f"person:{entry.user_id}"


def _name_alerts(items: list[ReviewItem]) -> None:
    """Say what each alert was raised by, in place of that it was."""
    for item, alert in zip(
        items, store.get_all([Alert(id=item.subject) for item in items]), strict=True
    ):
        item.words = alert.rule if alert else item.words


def first_pairs(day: date) -> Iterator[ReviewItem]:
    """Payments that are the first between two accounts, from ``REVIEW_FIRST_PAIR_AMOUNT`` on."""
    named = (entry.entity_id for entry in entries_of(day) if entry.action in _PROCESSED)
    while ids := list(islice(named, BATCH_KEYS)):
        payments = [payment for payment in get_payments(*ids) if payment is not None]
        yield from (_pair_item(day, payment) for payment in _firsts(payments))


def _firsts(payments: Iterable[Payment]) -> Iterator[Payment]:
    wanted = [payment for payment in payments if not payment.reverses]
    keys = [AccountPair(pair=_pair(payment)) for payment in wanted]
    for payment, found in zip(wanted, store.get_many(keys), strict=True):
        known = found or _keep(AccountPair(pair=_pair(payment), payment_id=payment.id))
        line = in_currency(settings.REVIEW_FIRST_PAIR_AMOUNT, payment.currency)
        if known.payment_id == payment.id and payment.amount >= line:
            yield payment


def _keep(pair: AccountPair) -> AccountPair:
    """Put a pair unless it is there; returns it as it stands."""
    try:
        store.put_new(pair)
    except ConditionFailedError:
        return store.get(pair) or pair
    return pair


def _pair(payment: Payment) -> str:
    return f"{payment.from_account_id}#{payment.to_account_id}"


def _item(day: date, item_id: str, kind: Kind, subject: str, entry: AuditLog) -> ReviewItem:
    entity_id = subject.partition("#")[0]
    return ReviewItem(
        day=day.isoformat(), item_id=item_id, kind=kind, subject=entity_id, words=entry.action,
        user_id=entry.user_id, reference=entry.timestamp, occurrences=0,
    )  # fmt: skip


def _pair_item(day: date, payment: Payment) -> ReviewItem:
    item_id = f"{list(Kind).index(Kind.FIRST_PAIR)}#{payment.id}"
    words = format_amount(payment.amount, payment.currency)
    return ReviewItem(
        day=day.isoformat(), item_id=item_id, kind=Kind.FIRST_PAIR, subject=payment.id, words=words,
        user_id=payment.requested_by, reference=payment.id,
    )  # fmt: skip
