"""Bulk transfers: hand in a file, see what it would do, confirm it."""

from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from backoffice.forms.decisions import ConfirmForm, UploadForm
from backoffice.jobs import imports, services
from backoffice.jobs.imports import IMPORT
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.bulk import BatchView, ReportView
from backoffice.presenters.lists import asked_page, listed
from backoffice.views.once import answer_form, form_page
from backoffice.wording import said
from dynamodb.times import utc_now
from payments.bulk import files
from payments.bulk import report as bulk_report
from payments.bulk.batches import Batch
from payments.bulk.files import FileNotFound, KeptFile
from payments.bulk.rows import COLUMNS, read_rows
from payments.identifiers import new_payment_id


@requires(Permission.RUN_TRANSFERS)
def start(request: StaffRequest) -> HttpResponse:

    def act(form: UploadForm) -> HttpResponse:
        at, file = utc_now(), form.cleaned_data["file"]
        data = file.read()
        read_rows(data, today=at.date())
        file_hash = files.keep_file(data, file.name, until=at + files.WAITS)
        return redirect("admin:bulk_file", file_hash)

    new = partial(UploadForm, files=request.FILES or None)
    return answer_form(request, new, act, partial(_start_page, request))


def _start_page(request: StaffRequest, form: UploadForm, **more: Any) -> HttpResponse:
    found = services.list_jobs(kind=IMPORT.name, rows=20, **asked_page(request))
    context = {
        "title": _("Bulk transfers"),
        "columns": COLUMNS,
        **listed(request, found, BatchView),
    }
    return form_page(request, "backoffice/bulk/start.html", form, **context, **more)


@requires(Permission.RUN_TRANSFERS, viewing="bulk_file")
def report(request: StaffRequest, file_hash: str) -> HttpResponse:
    """What a file would do as things stand; a post has it done."""
    at = utc_now()
    try:
        kept = files.read_file(file_hash, at)
    except FileNotFound as refusal:
        raise Http404(said(refusal)) from None

    def act(form: ConfirmForm) -> HttpResponse:
        run, actor = form.cleaned_data["run"], request.user.actor
        job = imports.order_import(kept.data, kept.name, run=run, actor=actor, at=at)
        return redirect("admin:bulk_batch", job.id)

    return answer_form(request, ConfirmForm, act, partial(_report_page, request, kept))


def _report_page(
    request: StaffRequest, kept: KeptFile, form: ConfirmForm, **more: Any
) -> HttpResponse:
    actor, at = request.user.actor, utc_now()
    batch = Batch(id=new_payment_id(at), rows=read_rows(kept.data))
    found = bulk_report.dry_run(batch, actor=actor, at=at)
    found.warnings = imports.paid_before(list(batch.rows), person=actor.id, at=at)
    context = {
        "title": kept.name,
        "report": found,
        "shown": ReportView(found),
        "file_hash": files.hash_of(kept.data),
        "applied": kept.batch_id,
        **more,
    }
    return form_page(request, "backoffice/bulk/report.html", form, **context)
