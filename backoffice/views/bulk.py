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
from backoffice.views.once import form_page, settle
from backoffice.wording import said
from dynamodb.times import utc_now
from payments import bulk_report, bulk_store
from payments.bulk import Batch
from payments.bulk_rows import COLUMNS, read_rows
from payments.bulk_store import FileNotFound
from payments.identifiers import new_payment_id


@requires(Permission.RUN_TRANSFERS)
def start(request: StaffRequest) -> HttpResponse:
    show = partial(_start_page, request)
    if request.method != "POST":
        return show(UploadForm())

    def act(form: UploadForm) -> HttpResponse:
        at, file = utc_now(), form.cleaned_data["file"]
        data = file.read()
        read_rows(data, today=at.date())
        file_hash = bulk_store.keep_file(data, file.name, until=at + bulk_store.WAITS)
        return redirect("admin:bulk_file", file_hash)

    return settle(request, UploadForm(request.POST, request.FILES), act, show)


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
        name, data = bulk_store.read_file(file_hash, at)
    except FileNotFound as refusal:
        raise Http404(said(refusal)) from None
    show = partial(_report_page, request, name, data)

    def act(form: ConfirmForm) -> HttpResponse:
        run, actor = form.cleaned_data["run"], request.user.actor
        job = imports.order_import(data, name, run=run, actor=actor, at=at)
        return redirect("admin:bulk_batch", job.id)

    if request.method != "POST":
        return show(ConfirmForm())
    return settle(request, ConfirmForm(request.POST), act, show)


def _report_page(
    request: StaffRequest,
    name: str,
    data: bytes,
    form: ConfirmForm,
    **more: Any,
) -> HttpResponse:
    actor, at, file_hash = request.user.actor, utc_now(), bulk_store.hash_of(data)
    batch = Batch(id=new_payment_id(at), rows=read_rows(data))
    found = bulk_report.dry_run(batch, actor=actor, at=at)
    found.warnings = imports.paid_before(list(batch.rows), person=actor.id, at=at)
    context = {
        "title": name,
        "report": found,
        "shown": ReportView(found),
        "file_hash": file_hash,
        "applied": bulk_store.batch_of(file_hash),
        **more,
    }
    return form_page(request, "backoffice/bulk/report.html", form, **context)
