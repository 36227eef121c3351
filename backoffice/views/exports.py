"""Evidence packs: all that were asked for, asking for one, and taking it away."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from django.conf import settings
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from itsdangerous import BadSignature, URLSafeTimedSerializer
from uuid_utils import uuid7

from audit.pack import file_hash
from backoffice.forms.accounts import AccountFilter
from backoffice.forms.exports import ExportForm
from backoffice.forms.payments import PaymentFilter
from backoffice.jobs import services
from backoffice.jobs.exports import EXPORT, LIST, export_order, list_order, pack_path
from backoffice.jobs.records import Job, JobState
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.jobs import JobView
from backoffice.presenters.lists import asked_page, listed
from backoffice.site import page
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import answer_form, form_page
from backoffice.wording import said
from dynamodb.times import utc_now
from payments.requests import ID_LENGTH

LINK_SECONDS = 15 * 60
_FILTERS: Mapping[str, Callable[[StaffRequest], Any]] = {
    "accounts": lambda request: AccountFilter(request.POST),
    "payments": lambda request: PaymentFilter(request.POST, zone=request.user.zone.key),
}


@requires(Permission.EXPORT_TRAIL)
def listing(request: StaffRequest) -> HttpResponse:
    found = services.list_jobs(kind=EXPORT.name, **asked_page(request))
    context = {"title": _("Evidence packs"), **listed(request, found, JobView)}
    return page(request, "backoffice/exports/list.html", context)


@requires(Permission.EXPORT_TRAIL)
@freshly_proved(posts_only=True)
def new(request: StaffRequest) -> HttpResponse:
    username, at = request.user.username, utc_now()
    new = partial(ExportForm, initial=request.GET.dict(), username=username, at=at)
    show = partial(form_page, request, "backoffice/exports/new.html", title=_("New evidence pack"))

    def act(form: ExportForm) -> HttpResponse:
        order = export_order(order_id=form.request_id, parameters=form.parameters())
        job = services.order_job(order, actor=request.user.actor, at=at)
        return redirect("admin:export", job.id)

    return answer_form(request, new, act, show)


@requires(Permission.EXPORT_TRAIL)
@freshly_proved(posts_only=True)
@require_POST
def new_list(request: StaffRequest, name: str) -> HttpResponse:
    """Ask for all that a filter finds; the list itself says what is wrong with one."""
    if name not in _FILTERS:
        raise Http404(_("There is no list of this name to export."))
    form = _FILTERS[name](request)
    if not form.is_valid():
        asked = {field: request.POST.get(field, "")[:ID_LENGTH] for field in form.fields}
        return redirect(reverse(f"admin:{name}", query=asked))
    order = list_order(order_id=str(uuid7()), name=name, wanted=form.wanted)
    job = services.order_job(order, actor=request.user.actor, at=utc_now())
    return redirect("admin:export", job.id)


@requires(Permission.EXPORT_TRAIL, viewing="export")
def detail(request: StaffRequest, job_id: str) -> HttpResponse:
    job = _export(job_id)
    has_pack = job.state == JobState.DONE and pack_path(job).exists()
    context = {
        "title": said(job.title),
        "shown": JobView(job),
        "job": job,
        "token": _links(request, job).dumps("pack") if has_pack else "",
        "link_minutes": LINK_SECONDS // 60,
        "has_pack": has_pack,
        "is_here": True,
        "is_pack": job.kind == EXPORT.name,
    }
    return page(request, "backoffice/exports/detail.html", context)


@requires(Permission.EXPORT_TRAIL, exporting="pack")
@freshly_proved(then="admin:export")
def download(request: StaffRequest, job_id: str) -> HttpResponseBase:
    """The pack itself, by a link made for this person a short while ago."""
    job = _export(job_id)
    try:
        _links(request, job).loads(request.GET.get("token", ""), max_age=LINK_SECONDS)
    except BadSignature:
        raise Http404(_("This link has expired, or was not made for you: open the pack's page."))  # noqa: B904 - nothing to add
    if job.state != JobState.DONE or not pack_path(job).exists():
        raise Http404(_("This pack is no longer kept. It can be made again."))
    if file_hash(pack_path(job), lambda: None) != (job.result or {}).get("sha256"):
        raise Http404(
            _("This file is not what was made: it does not have the hash on record. Make it again.")
        )
    if request.look:
        request.look.values.update(job.result or {}, job=job.id)
    return FileResponse(
        pack_path(job).open("rb"), as_attachment=True, filename=f"export-{pack_path(job).name}"
    )  # fmt: skip


def _export(job_id: str) -> Job:
    with suppress(services.JobNotFound):
        job = services.find_job(job_id)
        if job.kind in (EXPORT.name, LIST.name):
            return job
    raise Http404(_("There is no evidence pack {job_id}.").format(job_id=job_id))


def _links(request: StaffRequest, job: Job) -> URLSafeTimedSerializer:
    """Signs links to one pack for one person; whoever else has one can do nothing with it."""
    return URLSafeTimedSerializer(
        settings.SECRET_KEY, salt=f"{__name__}:{request.user.username}:{job.id}"
    )  # fmt: skip
