"""One's own second factors: added, removed, and codes to recover with."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.forms.second_factor import FactorForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.site import page
from backoffice.staff import second_factor
from backoffice.views.confirm import Asking, confirmation, is_confirmed
from backoffice.views.fresh_proof import freshly_proved, place_of
from backoffice.views.once import settle
from backoffice.wording import said
from dynamodb.times import utc_now

own = requires(Permission.USE_DASHBOARD, before_second_factor=True)


@own
def overview(request: StaffRequest) -> HttpResponse:
    record = request.user.record
    kept = second_factor.factors_of(record)
    context = {
        "title": _("Second factor"),
        "factors": [kept[name] for name in record.factors or () if name in kept],
        "recovery": kept.get(second_factor.RECOVERY),
        "has_app": second_factor.APP in kept,
        "is_required": settings.MFA_REQUIRED,
        "place": place_of(request),
    }
    return page(request, "backoffice/second_factor/overview.html", context)


@own
@freshly_proved()
def recovery(request: StaffRequest) -> HttpResponse:
    """Recovery codes in place of those that are left, after a confirmation."""
    asking = Asking(
        title=_("Make new recovery codes?"),
        button=_("Make new codes"),
        crumbs=crumbs(),
        notes=[_("Those you have kept stop working at once.")],
    )

    def act(_: FactorForm) -> HttpResponse:
        return codes_page(request, second_factor.renew_recovery_codes(**by(request)))

    return _confirmed(request, act, asking)


@own
@freshly_proved()
def remove(request: StaffRequest, factor: str) -> HttpResponse:
    if factor not in (request.user.record.factors or ()):
        raise Http404(_("You have no such second factor."))
    asking = Asking(
        title=_("Remove this second factor?"),
        button=_("Remove it"),
        crumbs=crumbs(),
        facts=[(_("Second factor"), capfirst(said(factor)))],
        notes=[_("It cannot be used to sign in any more.")],
    )

    def act(_form: FactorForm) -> HttpResponse:
        second_factor.remove(factor=factor, **by(request))
        messages.success(request, _("The second factor is removed."))
        return redirect("admin:second_factor")

    return _confirmed(request, act, asking)


def _confirmed(
    request: StaffRequest, act: Callable[[FactorForm], HttpResponse], asking: Asking
) -> HttpResponse:
    form = FactorForm(request.POST)
    if "edit" in request.POST:
        return redirect("admin:second_factor")
    if not is_confirmed(request):
        return confirmation(request, form, asking)
    return settle(request, form, act, partial(_refused_page, request))


def by(request: StaffRequest) -> dict[str, Any]:
    return {"username": request.user.username, "actor": request.user.actor, "at": utc_now()}


def codes_page(request: StaffRequest, shown: list[str]) -> HttpResponse:
    context = {"title": _("Recovery codes"), "crumbs": crumbs(), "codes": shown}
    return page(request, "backoffice/second_factor/codes.html", context)


def _refused_page(request: StaffRequest, form: FactorForm, **_: Any) -> HttpResponse:
    messages.error(request, " ".join(map(str, form.non_field_errors())))
    return redirect("admin:second_factor")


def crumbs() -> list[tuple[str, str]]:
    return [
        (_("Preferences"), reverse("admin:preferences")),
        (_("Second factor"), reverse("admin:second_factor")),
    ]
