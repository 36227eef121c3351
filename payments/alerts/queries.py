"""Everything that only reads alerts and cases: lists in pages, and counts that know their bound."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dynamodb import store
from dynamodb.pages import PAGE_ROWS, Page, Query, read_page
from dynamodb.scans import plain_item, query_items
from dynamodb.times import from_rfc3339, utc_day
from payments.alerts.records import Alert, AlertStatus, Case, CaseStatus
from payments.policy import policy

UNRESOLVED = (AlertStatus.OPEN, AlertStatus.ASSIGNED, AlertStatus.ESCALATED)
MOST_COUNTED = 500
NEW_DAYS = 14


def list_alerts(
    *,
    person: str,
    status: str = "",
    rule: str = "",
    assigned_to: str = "",
    customer_id: str = "",
    cursor: str = "",
    rows: int = PAGE_ROWS,
) -> Page[Alert]:
    """Alerts of a customer, newest first, or of a state (open unless said otherwise).

    Those that are not resolved come by urgency: whatever was raised first is due first.
    """
    if customer_id:
        query = Query(model=Alert, index="customer-index", partition=customer_id)
    else:
        state = status or AlertStatus.OPEN
        is_done = state == AlertStatus.RESOLVED
        query = Query(model=Alert, index="status-index", partition=state, newest_first=is_done)
    is_filtered = bool(rule or assigned_to or (customer_id and status))

    def keep(alert: Alert) -> bool:
        fits = rule in ("", alert.rule) and assigned_to in ("", alert.assigned_to)
        return fits and status in ("", alert.status)

    return read_page(
        [query],
        person=person,
        cursor=cursor,
        rows=rows,
        keep=keep if is_filtered else None,
        kept_by=(rule, assigned_to, status),
    )


def undecided_of(customer_id: str, *, rows: int) -> list[Alert]:
    """Alerts of a customer that are neither resolved nor in a case, as they stand, newest first."""
    query = Query(model=Alert, index="customer-index", partition=customer_id, hydrate=True)
    page = read_page(
        [query],
        person="",
        rows=rows,
        keep=lambda alert: not (alert.is_resolved() or alert.case_id),
        kept_by=("undecided",),
        max_requests=MOST_COUNTED // 100,
    )
    return page.rows


def list_cases(
    *, person: str, status: str = "", customer_id: str = "", cursor: str = ""
) -> Page[Case]:
    """Cases of a customer, or of a state, open unless said otherwise; newest first."""
    index = "customer-index" if customer_id else "status-index"
    query = Query(model=Case, index=index, partition=customer_id or status or CaseStatus.OPEN)
    is_filtered = bool(customer_id and status)
    return read_page(
        [query],
        person=person,
        cursor=cursor,
        keep=(lambda case: case.status == status) if is_filtered else None,
        kept_by=(status,),
    )


def alerts_of(case: Case) -> list[Alert]:
    """The alerts of a case, as they stand."""
    return [alert for alert in store.get_many([Alert(id=each) for each in case.alerts]) if alert]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """How many alerts wait, by state and by age in days, and how many are new on each day.

    Of each state at most 500 are counted, the oldest of those that wait and the newest of all:
    ``is_cut`` says that there are more.
    """

    by_state: dict[AlertStatus, int]
    ages_days: list[int]
    overdue: int
    new_by_day: dict[str, int]
    is_cut: bool


def overview(at: datetime) -> Overview:
    """Count in a request for each state, and one more for each that has more than are counted."""
    first = at - timedelta(days=NEW_DAYS - 1)
    begin = utc_day(first)
    waiting = {status: _times(status, newest_first=False) for status in UNRESOLVED}
    whole = {status for status, times in waiting.items() if len(times) < MOST_COUNTED}
    new = [
        waiting[status] if status in whole else _times(status, newest_first=True, since=begin)
        for status in AlertStatus
    ]
    days = {utc_day(first + timedelta(days=number)): 0 for number in range(NEW_DAYS)}
    for each in (utc_day(time) for times in new for time in times):
        if each >= begin:
            days[each] = days.get(each, 0) + 1
    ages = [(at - time).days for times in waiting.values() for time in times]
    return Overview(
        by_state={status: len(times) for status, times in waiting.items()},
        ages_days=ages,
        overdue=sum(age >= policy().alert_days for age in ages),
        new_by_day=days,
        is_cut=any(len(times) >= MOST_COUNTED for times in (*waiting.values(), *new)),
    )


def _times(status: AlertStatus, *, newest_first: bool, since: str = "") -> list[datetime]:
    """When alerts of a state were raised, in one request."""
    between = (since, "~") if since else None
    query = Query(
        model=Alert,
        index="status-index",
        partition=status,
        between=between,
        newest_first=newest_first,
    )
    found = query_items(query, sizes=[MOST_COUNTED])
    return [from_rfc3339(str(plain_item(item)["created_at"])) for item in found]
