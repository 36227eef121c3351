"""Cases, and whatever compliance does with an alert or a case: its form, and back."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.queries import chain_page
from backoffice.forms import alerts as forms
from backoffice.holds.subjects import holds_on
from backoffice.permissions import Permission, StaffRequest, View, requires
from backoffice.presenters.alerts import alert_row, case_row
from backoffice.presenters.audit import entry_rows
from backoffice.presenters.lists import asked_page, listed, pager
from backoffice.presenters.retention import kept_record
from backoffice.site import page
from backoffice.views.alerts import found_alert
from backoffice.views.confirm import Crumbs, Facts
from backoffice.views.deeds import Deeds
from dynamodb.times import utc_now
from payments import alert_queries, cases
from payments.alert_records import Alert, Case
from payments.refusals import CaseNotFound


@requires(Permission.READ_ALERTS, searching="case")
def listing(request: StaffRequest) -> HttpResponse:
    form = forms.CaseFilter(request.GET)
    context: dict[str, Any] = {"title": _("Cases"), "form": form}
    if form.is_valid():
        found = alert_queries.list_cases(**asked_page(request), **form.cleaned_data)
        context |= listed(request, found, case_row)
    return page(request, "backoffice/cases/list.html", context)


@requires(Permission.READ_ALERTS, viewing="case")
def detail(request: StaffRequest, case_id: str) -> HttpResponse:
    case, at = found_case(case_id), utc_now()
    chain = chain_page(case.id, **asked_page(request))
    subjects = [f"case:{case.id}", f"customer:{case.customer_id}"]
    context = {
        "title": _("Case"),
        "crumbs": [(_("Cases"), reverse("admin:cases"))],
        "row": case_row(case),
        "case": case,
        "kept": kept_record(case.updated_at, holds_on(subjects)),
        "rows": [alert_row(alert, at=at) for alert in alert_queries.alerts_of(case)],
        "entries": entry_rows(chain.rows),
        "pager": pager(request, chain),
    }
    return page(request, "backoffice/cases/detail.html", context)


def found_case(case_id: str) -> Case:
    try:
        return cases.find_case(case_id)
    except CaseNotFound as missing:
        raise Http404(str(missing)) from None


def _facts(record: Alert | Case) -> Facts:
    return [(_("Customer"), record.customer_id)]


def _shown(record: Alert | Case) -> dict[str, Any]:
    if isinstance(record, Case):
        return {"row": case_row(record)}
    return {"row": alert_row(record, at=utc_now())}


def _finish(request: StaffRequest, form: forms.WorkForm, done: Alert | Case) -> HttpResponse:
    messages.success(request, form.done)
    return redirect("admin:case" if isinstance(done, Case) else "admin:alert", done.id)


def _crumbs(record: Alert | Case) -> Crumbs:
    name, label = ("case", _("Cases")) if isinstance(record, Case) else ("alert", _("Alerts"))
    return [
        (label, reverse(f"admin:{name}s")),
        (record.id, reverse(f"admin:{name}", args=[record.id])),
    ]


def _page_of(kind: type[forms.WorkForm], find: Callable[[str], Any], viewing: str) -> View[...]:
    deeds = Deeds(
        template="backoffice/alerts/action.html",
        find=find,
        crumbs=_crumbs,
        shown=_shown,
        facts=_facts,
        finish=_finish,
        prefilled=True,
    )
    return requires(Permission.MANAGE_ALERTS, viewing=viewing)(deeds.page_of(kind))


assign = _page_of(forms.AssignForm, found_alert, "alert")
note = _page_of(forms.AlertNoteForm, found_alert, "alert")
escalate = _page_of(forms.EscalateForm, found_alert, "alert")
resolve = _page_of(forms.ResolveForm, found_alert, "alert")
open_case = _page_of(forms.OpenCaseForm, found_alert, "alert")
case_note = _page_of(forms.CaseNoteForm, found_case, "case")
case_add = _page_of(forms.AddAlertForm, found_case, "case")
case_close = _page_of(forms.CloseCaseForm, found_case, "case")
