"""The queue of alerts, one of them, and how many there are. For compliance alone."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.queries import chain_page
from backoffice.forms.alerts import AlertFilter
from backoffice.holds.subjects import beside_alert
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.alerts import alert_row, notice_sentences, other_case, why
from backoffice.presenters.audit import entry_rows
from backoffice.presenters.charts import alert_charts
from backoffice.presenters.lists import asked_page, listed, pager
from backoffice.presenters.payments import PaymentRow, payment_table
from backoffice.presenters.retention import kept_record
from backoffice.presenters.values import url_of
from backoffice.site import page
from backoffice.views.inbox import MOST_COUNTED, as_count
from backoffice.views.newer import newer_url
from dynamodb.times import to_rfc3339, utc_now
from payments.alerts import queries, services

_RELATED = 10


@requires(Permission.READ_ALERTS, searching="alert")
def queue(request: StaffRequest) -> HttpResponse:
    form, at = AlertFilter(request.GET), utc_now()
    notes = notice_sentences(at)
    context: dict[str, Any] = {"title": _("Alerts"), "form": form, "notes": notes}
    if form.is_valid():
        found = queries.list_alerts(**asked_page(request), **form.cleaned_data)
        context |= listed(request, found, partial(alert_row, at=at))
        if not any(map(request.GET.get, form.fields)):
            context["newer_url"] = newer_url(request, "alerts", to_rfc3339(at))
    return page(request, "backoffice/alerts/list.html", context)


@requires(Permission.READ_ALERTS)
def count(request: StaffRequest) -> HttpResponse:
    """A fragment for the navigation: how many are open, no further than 50; nothing for none."""
    found = queries.list_alerts(person=request.user.username, rows=MOST_COUNTED)
    return as_count(len(found.rows), found)


@requires(Permission.READ_ALERTS)
def overview(request: StaffRequest) -> HttpResponse:
    """Charts of what waits, how old it is and what is new, in a bounded number of requests."""
    counted = queries.overview(utc_now())
    context = {
        "title": _("Overview of alerts"),
        "crumbs": [(_("Alerts"), reverse("admin:alerts"))],
        "is_cut": counted.is_cut,
        "charts": alert_charts(counted),
    }
    return page(request, "backoffice/alerts/overview.html", context)


@requires(Permission.READ_ALERTS, viewing="alert")
def detail(request: StaffRequest, alert_id: str) -> HttpResponse:
    alert, viewer, at = services.find_alert(alert_id), request.user.username, utc_now()
    chain = chain_page(alert.id, **asked_page(request))
    others = queries.list_alerts(person=viewer, customer_id=alert.customer_id, rows=_RELATED)
    related = [each for each in others.rows if each.id != alert.id]
    paid, holds = beside_alert(alert)
    context = {
        "title": _("Alert"),
        "crumbs": [(_("Alerts"), reverse("admin:alerts"))],
        "row": alert_row(alert, at=at),
        "alert": alert,
        "why": why(alert),
        "kept": kept_record(alert.updated_at, holds),
        "is_waiting": not alert.is_resolved(),
        "other_case_url": url_of("admin:case_add", other_case(alert, related)),
        "related": [alert_row(each, at=at) for each in related],
        "has_more_related": others.next_cursor,
        "payments": payment_table(map(PaymentRow, paid), request.user),
        "entries": entry_rows(chain.rows, currency=alert.currency or ""),
        "pager": pager(request, chain),
    }
    return page(request, "backoffice/alerts/detail.html", context)
