"""Cases, and whatever compliance does with an alert or a case: its form, and back."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
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
from backoffice.views.confirm import Crumbs, Facts
from backoffice.views.deeds import Deeds
from dynamodb.times import utc_now
from payments.alerts import cases, queries, services
from payments.alerts.records import Alert, Case


@requires(Permission.READ_ALERTS, searching="case")
def listing(request: StaffRequest) -> HttpResponse:
    form = forms.CaseFilter(request.GET)
    context: dict[str, Any] = {"title": _("Cases"), "form": form}
    if form.is_valid():
        found = queries.list_cases(**asked_page(request), **form.cleaned_data)
        context |= listed(request, found, case_row)
    return page(request, "backoffice/cases/list.html", context)


@requires(Permission.READ_ALERTS, viewing="case")
def detail(request: StaffRequest, case_id: str) -> HttpResponse:
    case, at = cases.find_case(case_id), utc_now()
    chain = chain_page(case.id, **asked_page(request))
    subjects = [f"case:{case.id}", f"customer:{case.customer_id}"]
    context = {
        "title": _("Case"),
        "crumbs": [(_("Cases"), reverse("admin:cases"))],
        "row": case_row(case),
        "case": case,
        "kept": kept_record(case.updated_at, holds_on(subjects)),
        "rows": [alert_row(alert, at=at) for alert in queries.alerts_of(case)],
        "entries": entry_rows(chain.rows),
        "pager": pager(request, chain),
    }
    return page(request, "backoffice/cases/detail.html", context)


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


_FIND = {"alert": services.find_alert, "case": cases.find_case}


def _page_of(
    deed: str, service: Callable[..., Any], form: type[forms.WorkForm] | None = None
) -> View[...]:
    record = deed.partition("_")[0]
    deeds = Deeds(
        form=forms.WorkForm,
        template="backoffice/alerts/action.html",
        find=_FIND[record],
        crumbs=_crumbs,
        shown=_shown,
        facts=_facts,
        finish=_finish,
        prefilled=True,
    )
    return requires(Permission.MANAGE_ALERTS, viewing=record)(deeds.page_of(deed, service, form))


assign = _page_of("alert_assign", services.assign_alert, forms.AssignForm)
note = _page_of("alert_note", services.note_alert)
escalate = _page_of("alert_escalate", services.escalate_alert)
resolve = _page_of("alert_resolve", services.resolve_alert, forms.ResolveForm)
open_case = _page_of("alert_case", cases.open_case, forms.OpenCaseForm)
case_note = _page_of("case_note", cases.note_case, forms.CaseForm)
case_add = _page_of("case_add", cases.add_alert, forms.AddAlertForm)
case_close = _page_of("case_close", cases.close_case, forms.CloseCaseForm)
