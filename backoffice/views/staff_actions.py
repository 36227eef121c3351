"""What an administrator does with another's account: its form, its confirmation, and back."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.context import Actor
from backoffice.forms.staff import (
    DisableForm,
    EnableForm,
    FactorResetForm,
    PasswordResetForm,
    RolesForm,
    StaffForm,
    UnlockForm,
)
from backoffice.permissions import Permission, StaffRequest, View, requires
from backoffice.presenters.staff import staff_row
from backoffice.site import page
from backoffice.views.confirm import Asking, Crumbs, confirmation, entered, is_confirmed
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import settle
from backoffice.views.staff import first_password_page, found_person
from backoffice.wording import said
from dynamodb.times import utc_now


def _page_of(kind: type[StaffForm]) -> View[[str]]:
    @requires(Permission.MANAGE_STAFF, viewing="staff")
    @freshly_proved()
    def view(request: StaffRequest, username: str) -> HttpResponse:
        new = partial(kind, record=found_person(username))
        show = partial(_form_page, request)
        if request.method != "POST":
            return show(new())
        if "edit" in request.POST:
            chosen = {"roles": request.POST.getlist("roles")}
            return show(new(initial=request.POST.dict() | chosen))
        return settle(request, new(request.POST), partial(_act, request), show)

    return view


disable = _page_of(DisableForm)
enable = _page_of(EnableForm)
roles = _page_of(RolesForm)
unlock = _page_of(UnlockForm)
factor = _page_of(FactorResetForm)
password = _page_of(PasswordResetForm)


def _act(request: StaffRequest, form: StaffForm) -> HttpResponse:
    if not is_confirmed(request):
        return _confirmation(request, form)
    saved = form.save(actor=Actor(id=request.user.username), at=utc_now())
    if isinstance(saved, str):
        return first_password_page(request, form.record, saved)
    messages.success(request, form.done)
    return redirect("admin:staff_person", form.record.username)


def _confirmation(request: StaffRequest, form: StaffForm) -> HttpResponse:
    shown = staff_row(form.record)
    stands = [
        (_("Username"), form.record.username),
        (_("Name"), form.record.full_name or ""),
        (_("State"), said(shown.state)),
        (_("Roles now"), shown.roles),
    ]
    asking = Asking(
        title=f"{form.title}?",
        button=str(form.title),
        crumbs=_crumbs(form.record.username),
        facts=[*stands, *entered(form)],
        notes=[str(form.about)],
    )
    return confirmation(request, form, asking)


def _form_page(
    request: StaffRequest, form: StaffForm, *, status: int = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    context = {
        "title": form.title,
        "about": form.about,
        "crumbs": _crumbs(form.record.username),
        "shown": staff_row(form.record),
        "form": form,
        **more,
    }
    return page(request, "backoffice/staff/action.html", context, status=status)


def _crumbs(username: str) -> Crumbs:
    own = reverse("admin:staff_person", args=[username])
    return [("Staff", reverse("admin:staff")), (username, own)]
