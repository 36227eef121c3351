"""Where somebody is signed in, the sign-ins of late, and the end of sessions."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.audit import entry_rows
from backoffice.presenters.staff import program
from backoffice.site import page
from backoffice.staff import session_list
from backoffice.staff.records import SessionRecord, StaffRecord
from backoffice.views.staff import found_person, person_crumbs
from dynamodb.times import utc_now

_ALL_OTHERS = "others"


@requires(Permission.USE_DASHBOARD)
def own(request: StaffRequest) -> HttpResponse:
    """One's own sessions. A post ends one by its name, or all ``others``."""
    if request.method == "POST":
        return _end(request, request.user.record, back=reverse("admin:sessions"))
    return _page(request, request.user.record, title=_("Your sessions"), may_end=True, is_own=True)


@requires(Permission.READ_STAFF, viewing="staff")
def of_person(request: StaffRequest, username: str) -> HttpResponse:
    """Somebody's sessions, which administrators may end."""
    record, may_end = found_person(username), request.user.has_perm(Permission.MANAGE_STAFF)
    if request.method == "POST":
        if not may_end:
            raise PermissionDenied(Permission.MANAGE_STAFF)
        return _end(request, record, back=request.path)
    title = _("Sessions of {username}").format(username=username)
    return _page(request, record, title=title, may_end=may_end, crumbs=person_crumbs(record))


def _page(request: StaffRequest, record: StaffRecord, **more: Any) -> HttpResponse:
    sessions, this = _sessions(request, record, utc_now()), request.session.session_key
    context = {
        "sessions": [
            (each, session_list.name_of(each), program(each.user_agent)) for each in sessions
        ],
        "can_end_others": any(each.session_key != this for each in sessions),
        "this": this,
        "rows": entry_rows(session_list.recent_sign_ins(record.username)),
        "others": _ALL_OTHERS,
        **more,
    }
    return page(request, "backoffice/staff/sessions.html", context)


def _sessions(request: StaffRequest, record: StaffRecord, at: datetime) -> list[SessionRecord]:
    """All live ones, this one among them even where the index does not know it yet."""
    found = session_list.live_sessions(record, at=at)
    mine = request.session.record
    if mine is None or record.username != request.user.username:
        return found
    return [mine, *(each for each in found if each.session_key != mine.session_key)]


def _end(request: StaffRequest, record: StaffRecord, *, back: str) -> HttpResponse:
    at, wanted = utc_now(), request.POST.get("end")
    ended = [
        each
        for each in _sessions(request, record, at)
        if each.session_key != request.session.session_key
        and wanted in (_ALL_OTHERS, session_list.name_of(each))
    ]
    if ended:
        session_list.end_sessions(ended, username=record.username, actor=request.user.actor, at=at)
        told = ngettext("{number} session ended.", "{number} sessions ended.", len(ended))
        messages.success(request, told.format(number=len(ended)))
    else:
        messages.info(request, _("There was no such session any more."))
    return redirect(back)
