"""What became of a bulk file: its progress, its rows, and the decision on those that wait."""

from contextlib import suppress
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.export import csv_lines
from backoffice.forms.decisions import BatchForm
from backoffice.jobs import imports, services
from backoffice.jobs.imports import DECIDE, IMPORT
from backoffice.jobs.records import Job
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.bulk import ReportView
from backoffice.presenters.jobs import JobView
from backoffice.views.confirm import Asking, confirmation, is_confirmed
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.inbox import must_decide
from backoffice.views.once import answer_form, form_page
from backoffice.wording import said
from dynamodb.times import utc_now
from payments.bulk import report as bulk_report


@requires(Permission.RUN_TRANSFERS, viewing="batch")
@freshly_proved(posts_only=True)
def batch(request: StaffRequest, batch_id: str) -> HttpResponse:
    """How far a batch is and what became of its rows; a post decides all that wait."""
    job = _job(batch_id)
    show = partial(_batch_page, request, job)
    return answer_form(request, BatchForm, partial(_decide, request, job), show)


def _decide(request: StaffRequest, job: Job, form: BatchForm) -> HttpResponse:
    """Order what was decided, an approval once it is confirmed."""
    given, at = form.cleaned_data, utc_now()
    is_own = job.created_by == request.user.username
    if given["decision"] != "cancel":
        must_decide(request)
    elif not is_own and not request.user.has_perm(Permission.CANCEL_ANY_REQUEST):
        raise PermissionDenied(Permission.CANCEL_ANY_REQUEST)
    decision = imports.check_decision(job, **given, actor=request.user.actor, at=at)
    if given["decision"] == "approve" and not is_confirmed(request):
        shown = ReportView(bulk_report.outcome(imports.batch_of(job, at), at))
        return confirmation(request, form, _asking(job, shown))
    services.order_job(decision, actor=request.user.actor, at=at)
    return redirect("admin:job", decision.id)


def _asking(job: Job, shown: ReportView) -> Asking:
    amount = ", ".join(shown.waiting)
    crumbs = [(_("Bulk transfers"), reverse("admin:bulk"))]
    crumbs += [(said(job.title), reverse("admin:bulk_batch", args=[job.id]))]
    facts = [(_("Asked for by"), job.created_by), ("SHA-256", (job.parameters or {})["file_hash"])]
    button = _("Approve and move {amount}").format(amount=amount)
    return Asking(title=_("Confirm the approval of a batch"), button=button, crumbs=crumbs,
                  amount=amount, facts=facts)  # fmt: skip


def _batch_page(request: StaffRequest, job: Job, form: BatchForm, **more: Any) -> HttpResponse:
    at = utc_now()
    rows = imports.batch_of(job, at)
    found = bulk_report.outcome(rows, at)
    context = {
        "title": said(job.title),
        "job": job,
        "shown": JobView(job),
        "is_here": True,
        "report": found,
        "became": ReportView(found),
        "digest": found.digest,
        "is_own": job.created_by == request.user.username,
        **more,
    }
    return form_page(request, "backoffice/bulk/batch.html", form, **context)


@requires(Permission.RUN_TRANSFERS, exporting="bulk")
@freshly_proved()
def result(request: StaffRequest, batch_id: str) -> HttpResponseBase:
    """Every row of a batch with what became of it, as CSV."""
    job, at = _job(batch_id), utc_now()
    data = csv_lines(imports.result_lines(imports.batch_of(job, at), at))
    if request.look is not None:
        request.look.values.update(imports.told_of(job, data))
    answer = HttpResponse(data, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="batch-{job.id}.csv"'
    return answer


def _job(batch_id: str) -> Job:
    with suppress(services.JobNotFound):
        job = services.find_job(batch_id)
        if job.kind == DECIDE.name:
            return _job((job.parameters or {})["batch_id"])
        if job.kind == IMPORT.name:
            return job
    raise Http404(_("There is no batch {batch_id}.").format(batch_id=batch_id))
