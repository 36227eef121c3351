"""Everything that only reads the trail."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from audit.chain import POSTINGS
from audit.models import AuditLog
from dynamodb.pages import Page, Query, read_page

_AFTER_ANY_NUMBER = "~"
"""Sorts behind every timestamp of its prefix."""

MAX_DAYS_A_PAGE = 7
"""A page of a period looks through at most this many days, one request each."""


@dataclass(frozen=True, kw_only=True)
class TrailFilter:
    """What to look for. ``first_day`` and ``last_day`` are UTC dates, both included."""

    entity_id: str = ""
    action: str = ""
    user_id: str = ""
    outcome: str = ""
    first_day: date | None = None
    last_day: date | None = None

    @property
    def is_walked(self) -> bool:
        """Whether no key leads straight to the entries: postings are found by account or day."""
        if self.entity_id:
            return False
        return self.action in POSTINGS or not (self.action or self.user_id)

    @property
    def is_without_postings(self) -> bool:
        """Whether postings that the filter keeps are not among what its key leads to."""
        return not (self.entity_id or self.action) and bool(self.user_id)

    @property
    def days(self) -> list[date]:
        """The days to walk, newest first; none where a key leads straight to the entries."""
        if not self.is_walked:
            return []
        if self.first_day is None or self.last_day is None:
            raise ValueError("A walk by day needs its first and last day.")
        count = (self.last_day - self.first_day).days + 1
        return [self.last_day - timedelta(days=back) for back in range(count)]

    @property
    def between(self) -> tuple[str, str] | None:
        """The first and the last sort key of the period; ``None`` for all times."""
        if self.first_day is None and self.last_day is None:
            return None
        low = self.first_day.isoformat() if self.first_day else "0"
        return low, f"{self.last_day or _AFTER_ANY_NUMBER}{_AFTER_ANY_NUMBER}"

    @property
    def is_period(self) -> bool:
        """Whether all entries of some days are wanted."""
        return not (self.entity_id or self.action or self.user_id or self.outcome)

    def keeps(self, entry: AuditLog) -> bool:
        return (
            self.entity_id in ("", entry.entity_id)
            and self.action in ("", entry.action)
            and self.user_id in ("", entry.user_id)
            and self.outcome in ("", entry.outcome)
        )


def browse(wanted: TrailFilter, *, person: str, cursor: str = "", rows: int = 50) -> Page[AuditLog]:
    """A page of the trail, newest first, on the narrowest key: entity, person, action, then day.

    Without any of the first three, or for postings of no one account, it walks day by day through
    the period, which must then be given. A person alone finds payments; their postings are with
    them, for ``payments.history.postings`` to join.
    Further filters are applied to the rows read; the page tells how far it has looked.
    """
    queries = _queries(wanted)
    keys_served = 0 if wanted.is_walked else 1
    filters = [wanted.entity_id, wanted.action, wanted.user_id, wanted.outcome]
    is_filtered = sum(map(bool, filters)) > keys_served
    return read_page(
        queries,
        person=person,
        cursor=cursor,
        rows=rows,
        keep=wanted.keeps if is_filtered else None,
        kept_by=tuple(filters),
        max_requests=min(len(queries), MAX_DAYS_A_PAGE),
    )


def chain_page(
    entity_id: str,
    *,
    person: str,
    since: str = "",
    until: str = "",
    cursor: str = "",
    rows: int = 50,
) -> Page[AuditLog]:
    """A page of one entity's chain, newest first, whole entries, read consistently.

    ``until`` is the timestamp of an entry to begin with in place of the newest, ``since`` the
    time or timestamp before which the chain is not read.
    """
    between = (since or "0", until or _AFTER_ANY_NUMBER) if since or until else None
    query = Query(model=AuditLog, partition=entity_id, between=between)
    return read_page([query], person=person, cursor=cursor, rows=rows)


def recent(*, user_id: str, rows: int = 10, without: tuple[str, ...] = ()) -> list[AuditLog]:
    """A person's newest entries, among their newest 100 those whose action ends otherwise."""
    query = Query(model=AuditLog, index="user-index", partition=user_id)
    keep = (lambda entry: not entry.action.endswith(without)) if without else None
    return read_page([query], person=user_id, rows=rows, keep=keep, kept_by=without).rows


def chain_actions(entity_id: str, *actions: str, rows: int = 10) -> list[AuditLog]:
    """The newest entries of a chain that tell of one of these, among its newest 100."""
    query = Query(model=AuditLog, partition=entity_id)

    def keep(entry: AuditLog) -> bool:
        return entry.action in actions

    return read_page([query], person="", rows=rows, keep=keep, kept_by=actions).rows


def oldest_first(wanted: TrailFilter) -> list[Query[AuditLog]]:
    """What ``browse`` reads, from the other end."""
    return [replace(query, newest_first=False) for query in reversed(_queries(wanted))]


def _queries(wanted: TrailFilter) -> list[Query[AuditLog]]:
    if wanted.is_walked:
        days = [day.isoformat() for day in wanted.days]
        return [Query(model=AuditLog, index="day-index", partition=day) for day in days]
    index, key = _narrowest(wanted)
    return [Query(model=AuditLog, index=index, partition=key, between=wanted.between)]


def _narrowest(wanted: TrailFilter) -> tuple[str, str]:
    if wanted.entity_id:
        return "", wanted.entity_id
    if wanted.user_id:
        return "user-index", wanted.user_id
    return "action-index", wanted.action
