"""What an administrator does with another's account: its form, its confirmation, and back."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from backoffice.forms import staff as forms
from backoffice.permissions import Permission, StaffRequest, View, requires
from backoffice.presenters.staff import staff_row
from backoffice.staff import managing, second_factor
from backoffice.staff.records import StaffRecord
from backoffice.views.confirm import Facts
from backoffice.views.deeds import Deeds
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.staff import first_password_page, found_person, person_crumbs
from backoffice.wording import said


def _shown(record: StaffRecord) -> dict[str, Any]:
    return {"shown": staff_row(record)}


def _facts(record: StaffRecord) -> Facts:
    shown = staff_row(record)
    return [
        (_("Username"), record.username),
        (_("Name"), record.full_name or ""),
        (_("State"), said(shown.state)),
        (_("Roles now"), shown.roles),
    ]


def _finish(request: StaffRequest, form: forms.StaffForm, saved: StaffRecord | str) -> HttpResponse:
    if isinstance(saved, str):
        return first_password_page(request, form.record, saved)
    messages.success(request, form.done)
    return redirect("admin:staff_person", form.record.username)


_DEEDS = Deeds(
    form=forms.StaffForm,
    template="backoffice/staff/action.html",
    find=found_person,
    crumbs=person_crumbs,
    shown=_shown,
    facts=_facts,
    finish=_finish,
)


def _page_of(
    deed: str, service: Callable[..., Any], form: type[forms.StaffForm] | None = None
) -> View[...]:
    view = _DEEDS.page_of(deed, service, form)
    return requires(Permission.MANAGE_STAFF, viewing="staff")(freshly_proved()(view))


disable = _page_of("staff_disable", managing.disable_staff)
enable = _page_of("staff_enable", managing.enable_staff)
roles = _page_of("staff_roles", managing.change_roles, forms.RolesForm)
unlock = _page_of("staff_unlock", managing.unlock_staff)
factor = _page_of("staff_factor", second_factor.reset)
password = _page_of("staff_password", managing.reset_password)
