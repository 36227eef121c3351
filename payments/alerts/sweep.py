"""The sweep: every account that moved since the last one, its owner's movements, what they show.

It walks the accounts a page at a time and keeps in the store how far it is; in memory it has one
customer. A run that was stopped goes on with its page, and what it finds twice is one alert, for
an alert's id is made of its cause.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dynamodb import store
from dynamodb.errors import UnreadableRecordError
from dynamodb.models import Item
from dynamodb.pages import Query
from dynamodb.retries import Patience, settle
from dynamodb.scans import Place, query_items, scan_pages
from dynamodb.times import utc_day
from dynamodb.transactions import Transaction
from payments.alerts import patterns
from payments.alerts.movements import movements_of, stirred_before
from payments.alerts.patterns import LOOKBACK, Movement
from payments.alerts.records import SweepState
from payments.alerts.services import Finding, raise_alert
from payments.models import Account, AccountType
from payments.policy import policy

_KEY = SweepState(name="alerts")
_RAISE_SECONDS = 30.0
_log = logging.getLogger(__name__)

_MARGIN = timedelta(hours=1)
"""A run begins a little before the last one ended: what was under way then is seen by now."""

MOST_STEPS = 4
"""The longest round trip that is followed, in payments."""

_MOST_BRANCHES = 20
"""So many payments onward are followed at each step."""


@dataclass(kw_only=True)
class Sweep:
    """A run: the time that it looks at, how far it is, and what it has found so far."""

    since: datetime
    until: datetime
    place: Place = field(default_factory=Place)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def report(self) -> dict[str, Any]:
        raised = {
            name.removeprefix("raised:"): count
            for name, count in sorted(self.counts.items())
            if name.startswith("raised:")
        }
        totals = {
            name: self.counts[name]
            for name in ("accounts", "customers", "known", "cut", "unreadable")
        }
        times = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return {**times, **totals, "raised": raised}


def take_up(*, at: datetime, since: datetime | None = None) -> Sweep:
    """The run that was stopped, else a new one, from where the last one ended.

    With ``since`` it is a new one from there on. The first ever looks back by ``LOOKBACK``.
    """
    kept = store.get(_KEY)
    if kept is None or since is not None:
        return Sweep(since=since or at - LOOKBACK, until=at)
    if not kept.place:
        return Sweep(since=kept.until - _MARGIN, until=at)
    place = Place(*json.loads(kept.place))
    return Sweep(since=kept.since, until=kept.until, place=place, counts=Counter(kept.counts or {}))


def sweep(
    run: Sweep,
    on_page: Callable[[Sweep], None] = lambda _: None,
    beat: Callable[[], None] = lambda: None,
) -> Sweep:
    """Carry a run to its end; ``on_page`` is called wherever it may be taken up again.

    ``beat`` is called for each account, so that whoever runs it can say that they are alive.
    """
    moved = Account.day >= utc_day(run.since)
    for items, place in scan_pages(Account, run.place, where=moved):
        for item in items:
            beat()
            try:
                _look_at(run, item)
            except UnreadableRecordError as error:
                run.counts["unreadable"] += 1
                _log.warning("not swept: %s", error)
        run.place = place
        _keep(run, place)
        on_page(run)
    _keep(run, None)
    return run


def _keep(run: Sweep, place: Place | None) -> None:
    values = {
        "since": run.since,
        "until": run.until,
        "counts": dict(run.counts),
        "place": json.dumps([place.segment, place.start]) if place else None,
    }
    store.put(_KEY.with_changes(values))


def _look_at(run: Sweep, item: Item) -> None:
    """Look at an account and, where it is the first of its owner, at all that the owner did."""
    account = Account.from_item(item)
    run.counts["accounts"] += 1
    family = _family(account)
    if account.id > min(each.id for each in family if each is account or _comes_up(each, run)):
        return
    run.counts["customers"] += 1
    told = {finding.alert_id: finding for finding in reversed(list(_findings(run, family)))}
    for finding in told.values():
        is_new = _raise(finding, run.until)
        run.counts[f"raised:{finding.rule}" if is_new else "known"] += 1


def _comes_up(account: Account, run: Sweep) -> bool:
    """Whether the walk surely meets an account; one that moved meanwhile it may have passed."""
    is_steady = account.updated_at is not None and account.updated_at <= run.until
    return is_steady and (account.day or "") >= utc_day(run.since)


def _family(account: Account) -> list[Account]:
    """All accounts of an account's owner, itself among them."""
    query = Query(model=Account, partition=account.customer_id, index="customer-index")
    keys = [
        Account(id=each["id"]["S"], account_number=each["account_number"]["S"])
        for each in query_items(query)
    ]
    found = filter(None, store.get_all(keys))
    return [account, *(each for each in found if each.id != account.id)]


def _findings(run: Sweep, family: list[Account]) -> Iterator[Finding]:
    """What the owner of these accounts did, over all of them, and what each shows by itself."""
    begin, own = run.since - LOOKBACK, {each.id for each in family}
    everything: list[Movement] = []
    for account in family:
        if (account.day or "") >= utc_day(begin):
            movements, is_cut = movements_of(account, since=begin, until=run.until, own=own)
            everything += movements
            run.counts["cut"] += is_cut
            yield from _of_account(account, movements, run)
    everything.sort(key=lambda each: (each.at, each.payment_id))
    yield from patterns.find(family[0].customer_id, everything, run.since)


def _of_account(account: Account, movements: list[Movement], run: Sweep) -> Iterator[Finding]:
    owner, is_merchant = account.customer_id, account.account_type == AccountType.MERCHANT
    yield from patterns.find_fans(owner, movements, run.since, is_merchant=is_merchant)
    if movements and movements[0].at >= run.since:
        before = stirred_before(account.id, movements[0].at)
        yield from patterns.find_woken(owner, movements, run.since, before)
    for out, back in patterns.returns(movements, run.since):
        way = _way([out], back)
        if way is not None:
            yield patterns.round_trip(owner, way)


def _way(way: list[Movement], back: Movement) -> list[Movement] | None:
    """The payments by which money came back; ``None`` where it did not, as far as is followed."""
    last = way[-1]
    if last.other_id == back.other_id:
        return [*way, back]
    if len(way) + 2 > MOST_STEPS:
        return None
    holder = Account(id=last.other_id, currency=last.currency)
    movements, _ = movements_of(holder, since=last.at, until=back.at)
    share = policy().round_trip_percent
    onward = [
        each
        for each in movements
        if each.is_paying and not each.is_house and patterns.is_nearly(each, last, share)
    ]
    return next(filter(None, (_way([*way, each], back) for each in onward[:_MOST_BRANCHES])), None)


def _raise(finding: Finding, at: datetime) -> bool:
    """Raise an alert unless it is there; tells whether it is new."""
    known: dict[str, Any] = {"alert": None}

    def build(tx: Transaction) -> bool:
        if known["alert"] is None:
            raise_alert(tx, "alert", finding)
        return known["alert"] is None

    return settle(build, known, at=at, patience=Patience(limit_seconds=_RAISE_SECONDS))
