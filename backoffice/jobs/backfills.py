"""Backfills: what older versions left out of their records, written while everybody works.

Each change holds only for the version it was made from: what somebody writes meanwhile stands, and
the record is looked at again as it then is. Done twice, one changes nothing the second time.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from audit.models import Chained
from backoffice.jobs.services import CannotBeDone, Kind, Order, Work
from backoffice.permissions import Permission
from dynamodb import store
from dynamodb.errors import ConditionFailedError
from dynamodb.models import VersionedRecord
from dynamodb.retries import Patience, read_within
from dynamodb.scans import Place, scan_pages
from dynamodb.shards import spread_key
from payments.history.postings import unnamed_postings
from payments.models import Payment

_log = logging.getLogger(__name__)

WRITE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """``changes`` gives what a record lacks, nothing where it is as it should be.

    Of a record with a chain it may set what never stands in an entry, and nothing else: whatever
    else changes has to be told in the trail.
    """

    name: str
    about: str
    model: type[VersionedRecord]
    changes: Callable[[Any], Mapping[str, Any]]

    def fill(self, found: VersionedRecord) -> bool:
        """Bring one record up to date; ``True`` where that changed it."""
        while changes := self.changes(found):
            if issubclass(self.model, Chained) and not changes.keys() <= self.model.unaudited:
                raise CannotBeDone(f"{self.name} changes what the trail must tell of.")
            patience = Patience(limit_seconds=WRITE_SECONDS)
            try:
                read_within(partial(store.amend, found, changes), patience)
            except ConditionFailedError as error:
                if error.item is None:
                    return False
                found = self.model.from_item(error.item)
            else:
                return True
        return False


def _status_key(payment: Payment) -> Mapping[str, Any]:
    key = spread_key(payment.status, by=payment.id)
    return {} if payment.status_key == key else {"status_key": key}


def _posted_as(payment: Payment) -> Mapping[str, Any]:
    names = unnamed_postings(payment)
    return {"posted_as": names} if names else {}


BACKFILLS = {
    each.name: each
    for each in (
        Backfill(
            name="payment_status_keys",
            about="the key by which payments are listed by status",
            model=Payment,
            changes=_status_key,
        ),
        Backfill(
            name="payment_postings",
            about="the entries of payments' two sides, for searches by person",
            model=Payment,
            changes=_posted_as,
        ),
    )
}


def backfill_order(name: str, *, order_id: str) -> Order:
    title = f"Backfill: {BACKFILLS[name].about}"
    return Order(id=order_id, kind=BACKFILL.name, title=title, parameters={"name": name})


def run_backfill(work: Work) -> None:
    """Walk the table from where the job was left, a page of records between two savings."""
    backfill = BACKFILLS[(work.job.parameters or {})["name"]]
    saved = work.job.checkpoint or {}
    counts = {"looked_at": saved.get("looked_at", 0), "changed": saved.get("changed", 0)}
    place = Place(saved.get("segment", 0), json.loads(saved.get("start", "null")))
    for items, after in scan_pages(backfill.model, place):
        for item in items:
            counts["changed"] += backfill.fill(backfill.model.from_item(item))
            work.keep()
        counts["looked_at"] += len(items)
        position = {"segment": after.segment, "start": json.dumps(after.start)}
        work.save({**counts, **position}, done=counts["looked_at"])
        _log.info("backfill", extra={"backfill": backfill.name, **counts, "segment": after.segment})
    work.finish(counts)


BACKFILL = Kind(name="backfill", run=run_backfill, permission=Permission.MAINTAIN_RECORDS)
