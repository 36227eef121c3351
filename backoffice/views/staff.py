"""The staff: who there is, one person, a new one, and the review of what everybody may do."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit import queries as trail_queries
from backoffice.forms.staff import NewStaffForm, SignOffForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.audit import entry_rows
from backoffice.presenters.lists import asked_page, listed, pager
from backoffice.presenters.retention import kept_chain
from backoffice.presenters.staff import staff_row
from backoffice.site import page
from backoffice.staff import access_review, lockout, managing, queries
from backoffice.staff.records import StaffRecord
from backoffice.views.confirm import Crumbs
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import answer_form, form_page
from dynamodb.times import utc_now


@requires(Permission.READ_STAFF)
def listing(request: StaffRequest) -> HttpResponse:
    found = queries.list_staff(**asked_page(request))
    context = {"title": _("Staff"), **listed(request, found, staff_row)}
    return page(request, "backoffice/staff/list.html", context)


@requires(Permission.READ_STAFF, viewing="staff")
def person(request: StaffRequest, username: str) -> HttpResponse:
    record = found_person(username)
    chain = trail_queries.chain_page(f"staff:{record.username}", **asked_page(request))
    context = {
        "title": record.full_name or record.username,
        "crumbs": staff_crumbs(),
        "shown": staff_row(record),
        "locked_until": lockout.locked_until(record.username, utc_now()),
        "is_oneself": record.username == request.user.username,
        "rows": entry_rows(chain.rows),
        "kept": kept_chain(chain.rows[0], None) if chain.rows else None,
        "pager": pager(request, chain),
    }
    return page(request, "backoffice/staff/person.html", context)


@requires(Permission.MANAGE_STAFF)
@freshly_proved()
def new(request: StaffRequest) -> HttpResponse:
    template, title = "backoffice/staff/new.html", _("Add a member of staff")
    show = partial(form_page, request, template, title=title, crumbs=staff_crumbs())

    def act(form: NewStaffForm) -> HttpResponse:
        password = managing.first_password()
        record = form.save(password, actor=request.user.actor, at=utc_now())
        return first_password_page(request, record, password)

    return answer_form(request, NewStaffForm, act, show)


def first_password_page(request: StaffRequest, record: StaffRecord, password: str) -> HttpResponse:
    """Show a first password: this once, for it is kept nowhere."""
    context = {
        "title": _("First password of {username}").format(username=record.username),
        "crumbs": staff_crumbs(),
        "shown": staff_row(record),
        "password": password,
    }
    return page(request, "backoffice/staff/first_password.html", context)


def staff_crumbs() -> Crumbs:
    return [(_("Staff"), reverse("admin:staff"))]


def person_crumbs(record: StaffRecord) -> Crumbs:
    own = reverse("admin:staff_person", args=[record.username])
    return [*staff_crumbs(), (record.username, own)]


def found_person(username: str) -> StaffRecord:
    record = queries.find(username)
    if record is None or record.username != username:
        raise Http404(_("There is no member of staff named {username}.").format(username=username))
    return record


@requires(Permission.READ_STAFF)
def review(request: StaffRequest) -> HttpResponse:
    """Who may do what, to be signed by an administrator or a compliance reviewer."""

    def act(form: SignOffForm) -> HttpResponse:
        access_review.sign(**form.cleaned_data, actor=request.user.actor, at=utc_now())
        messages.success(request, _("The access review is signed."))
        return redirect("admin:staff_review")

    return answer_form(request, SignOffForm, act, partial(_review_page, request))


@requires(Permission.READ_STAFF, exporting="access_review")
@freshly_proved()
def signed_list(request: StaffRequest, list_hash: str) -> HttpResponse:  # noqa: ARG001 - a view's
    """A list as it was signed, as JSON Lines: its SHA-256 is the hash in the trail."""
    body = access_review.signed_list(list_hash)
    if body is None:
        raise Http404(_("No list was signed under this hash."))
    name = f"access-review-{list_hash[:12]}.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type="application/jsonl; charset=utf-8", headers=headers)


def _review_page(request: StaffRequest, form: SignOffForm, **more: Any) -> HttpResponse:
    everybody = list(queries.everybody())
    form.see(access_review.seen_digest(everybody))
    signed = access_review.sign_offs(**asked_page(request))
    context = {
        "title": _("Access review"),
        "crumbs": staff_crumbs(),
        "people": [staff_row(record) for record in everybody],
        "sign_offs": signed.rows,
        "pager": pager(request, signed),
        **more,
    }
    return form_page(request, "backoffice/staff/review.html", form, **context)
