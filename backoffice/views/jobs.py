"""Background jobs: one's own, and one of them with what can be done about it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.jobs import services
from backoffice.jobs.chores import KINDS
from backoffice.jobs.records import Job
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.jobs import JobView
from backoffice.presenters.lists import asked_page, listed
from backoffice.site import page
from backoffice.views.trouble import note_refused
from backoffice.wording import said
from dynamodb.times import utc_now
from payments.refusals import Refusal


@requires(Permission.USE_DASHBOARD)
def job_list(request: StaffRequest) -> HttpResponse:
    found = services.list_jobs(**asked_page(request))
    context = {"title": _("Jobs"), **listed(request, found, JobView)}
    return page(request, "backoffice/jobs/list.html", context)


@requires(Permission.USE_DASHBOARD, viewing="job")
def detail(request: StaffRequest, job_id: str) -> HttpResponse:
    job = visible_job(request, job_id)
    context = {"title": said(job.title), "shown": JobView(job), "job": job}
    return page(request, "backoffice/jobs/detail.html", context)


@requires(Permission.USE_DASHBOARD)
def progress(request: StaffRequest, job_id: str) -> HttpResponse:
    """The part of a job's page that changes, for the script that loads it anew."""
    job = visible_job(request, job_id)
    return render(request, "backoffice/jobs/progress.html", {"shown": JobView(job), "job": job})


@requires(Permission.USE_DASHBOARD)
@require_POST
def cancel(request: StaffRequest, job_id: str) -> HttpResponseBase:
    may_any = request.user.has_perm(Permission.CANCEL_ANY_REQUEST)
    done = _("The job is canceled. It can be tried again.")
    return _changed(request, job_id, services.cancel_job, done, may_any=may_any)


@requires(Permission.USE_DASHBOARD)
@require_POST
def retry(request: StaffRequest, job_id: str) -> HttpResponseBase:
    done = _("The job is queued again and goes on where it was.")
    return _changed(request, job_id, services.retry_job, done)


def _changed(
    request: StaffRequest,
    job_id: str,
    change: Callable[..., Job],
    done: str,
    *,
    may_any: bool = False,
) -> HttpResponseBase:
    """Change a job, but not what another person is having done in their name."""
    job = visible_job(request, job_id)
    kind, is_own = KINDS.get(job.kind), job.created_by == request.user.username
    try:
        if kind is not None and kind.in_name and not (is_own or may_any):
            raise services.NotYours
        change(job.id, actor=request.user.actor, at=utc_now())
        messages.success(request, done)
    except Refusal as refusal:
        messages.error(request, said(refusal))
    return redirect("admin:job", job.id)


def visible_job(request: StaffRequest, job_id: str) -> Job:
    """A job that is the person's own, or of a kind that they may see all of.

    Any other is not there for them; to ask for it is recorded as a refused access.
    """
    none = Http404(_("There is no job {job_id} that you may see.").format(job_id=job_id))
    try:
        job = services.find_job(job_id)
    except services.JobNotFound:
        raise none from None
    kind = KINDS.get(job.kind)
    may_see_all = kind is not None and request.user.has_perm(kind.permission)
    if job.created_by != request.user.username and not may_see_all:
        note_refused(request, kind.permission if kind else "job")
        raise none
    return job
