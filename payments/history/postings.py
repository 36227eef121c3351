"""A search of the trail by person, with the postings of the payments that it finds.

Postings carry no key of their person: each would be one more index write a side. The payment says
which entries they are, so a page of its entries leads to them in two more requests.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from audit import queries
from audit.chain import POSTINGS
from audit.models import AuditLog
from audit.queries import TrailFilter
from audit.replay import read_chain
from dynamodb.models import Item
from dynamodb.pages import PAGE_ROWS, Page
from dynamodb.scans import made_whole, plain_item
from dynamodb.times import to_rfc3339
from payments import directory
from payments.identifiers import is_payment_id
from payments.models import Payment

Postings = Mapping[tuple[str, str], list[Item]]
"""Raw entries by entity id and timestamp of the payment's entry that they belong to."""


def browse(
    wanted: TrailFilter, *, person: str, cursor: str = "", rows: int = PAGE_ROWS
) -> Page[AuditLog]:
    """As ``audit.queries.browse``; the postings that no key leads to follow their payment's entry.

    They come on top of the ``rows`` of a page, at most two to each, and share the day of their
    payment's entry.
    """
    found = queries.browse(wanted, person=person, cursor=cursor, rows=rows)
    if not wanted.is_without_postings:
        return found
    postings = postings_of(found.rows)
    joined = [
        each
        for entry in found.rows
        for each in (
            entry,
            *map(AuditLog.from_item, postings.get((entry.entity_id, entry.timestamp), ())),
        )
    ]
    return replace(found, rows=joined, examined=found.examined + len(joined) - len(found.rows))


def postings_of(entries: Iterable[AuditLog]) -> Postings:
    """The postings made in the same commit as these entries of payments, whole."""
    moved = {entry.entity_id: entry.timestamp for entry in entries if _tells_of_money(entry)}
    keys = (directory.payment_key(each).key_item() for each in moved if is_payment_id(each))
    places = (each for item in made_whole(Payment, keys) for each in _places(plain_item(item)))
    found: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in made_whole(AuditLog, places):
        reference = str(plain_item(item).get("reference"))
        if reference in moved:
            found[reference, moved[reference]].append(item)
    return found


def _tells_of_money(entry: AuditLog) -> bool:
    """Whether a payment was processed in its commit; an entry that begins one names no changes."""
    if entry.entity_type != "payment":
        return False
    return entry.action == "payment.processed" or "processed_at" in (entry.changes or ())


def _places(payment: Mapping[str, Any]) -> Iterator[Item]:
    sides = (payment.get("from_account_id"), payment.get("to_account_id"))
    for account, timestamp in zip(sides, payment.get("posted_as") or (), strict=False):
        yield {"entity_id": {"S": str(account)}, "timestamp": {"S": str(timestamp)}}


def unnamed_postings(payment: Payment) -> list[str]:
    """What ``posted_as`` of a processed payment lacks; none where its postings have their own keys.

    Written so for a while: without the one and the other.
    """
    if payment.posted_as or payment.processed_at is None:
        return []
    sides = (payment.from_account_id, payment.to_account_id)
    debited, credited = ([*_unkeyed_posting(payment, side)] for side in sides)
    return debited and debited + credited


def _unkeyed_posting(payment: Payment, account_id: str) -> Iterator[str]:
    for item in read_chain(account_id, since=to_rfc3339(payment.processed_at)):
        entry = plain_item(item)
        if entry.get("reference") == payment.id and entry.get("action") in POSTINGS:
            if "user_key" not in entry:
                yield str(entry["timestamp"])
            return
