"""How many rows have come to a list since somebody opened it, for a script to say: none moves."""

from dataclasses import replace
from datetime import date, datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse

from audit import queries as trail
from audit.queries import TrailFilter
from backoffice.forms.audit import TrailFilterForm
from backoffice.forms.payments import PaymentFilter
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.views.inbox import MOST_COUNTED, as_count
from dynamodb.pages import Page
from dynamodb.times import from_rfc3339, to_rfc3339, utc_now
from payments import queries
from payments.models import Payment


def newer_url(request: StaffRequest, name: str, since: str) -> str:
    """Where a script asks for what is newer than the first page; nowhere from later ones."""
    if not since or "cursor" in request.GET:
        return ""
    asked = request.GET.urlencode(), urlencode({"since": since})
    return f"{reverse(f'admin:{name}_newer')}?{'&'.join(asked)}"


@requires(Permission.READ_ACCOUNTS)
def accounts(request: StaffRequest) -> HttpResponse:
    return _told(request, TrailFilter(action="account.opened"))


@requires(Permission.READ_ALERTS)
def alerts(request: StaffRequest) -> HttpResponse:
    return _told(request, TrailFilter(action="alert.raised"))


@requires(Permission.READ_TRAIL)
def entries(request: StaffRequest) -> HttpResponse:
    form = TrailFilterForm(request.GET, today=utc_now().date())
    return _told(request, form.wanted) if form.is_valid() else as_count(0, Page())


@requires(Permission.READ_PAYMENTS)
def payments(request: StaffRequest) -> HttpResponse:
    form, since = PaymentFilter(request.GET, zone=request.user.zone.key), _since(request)
    if not (since and form.is_valid()):
        return as_count(0, Page())
    low, high = form.between or ("", "~")
    wanted = form.wanted | {"between": (max(low, since), high)}
    found = queries.list_payments(person=request.user.username, rows=MOST_COUNTED, **wanted)
    return as_count(sum(asked_at(each) > since for each in found.rows), found)


def asked_at(payment: Payment) -> str:
    """The time as stored, whatever has become of it."""
    at = payment.created_at
    return to_rfc3339(at) if isinstance(at, datetime) else str(at)


def _told(request: StaffRequest, wanted: TrailFilter) -> HttpResponse:
    """How many of these entries others have made: one's own looking makes some, too."""
    since = _since(request)
    if not since:
        return as_count(0, Page())
    day = max(date.fromisoformat(since[:10]), wanted.first_day or date.min)
    if wanted.last_day and wanted.last_day < day:
        return as_count(0, Page())
    person, wanted = request.user.username, replace(wanted, first_day=day)
    found = trail.browse(wanted, person=person, rows=MOST_COUNTED)
    new = [entry for entry in found.rows if entry.timestamp > since]
    others = sum(entry.user_id != person for entry in new)
    return as_count(others, found if new == found.rows else Page())


def _since(request: StaffRequest) -> str:
    """The time in the address as sort keys begin with it; empty for what is none."""
    time, *number = request.GET.get("since", "").partition("#")
    try:
        return "".join((to_rfc3339(from_rfc3339(time)), *number))
    except ValueError:
        return ""
