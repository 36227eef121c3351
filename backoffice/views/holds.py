"""Legal holds: which are in force, setting one at once, releasing one with two people."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import holds as archive
from audit.bucket import ArchiveError
from audit.models import Hold, HoldStatus
from backoffice.forms.decisions import AskReleaseForm, HoldForm, ReleaseForm
from backoffice.forms.ids import ActionForm
from backoffice.holds import services
from backoffice.holds.subjects import holds_shown, record_of
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.seals import off_sentence
from backoffice.site import page
from backoffice.views.confirm import Asking, confirmation, entered, is_confirmed
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import answer_form, form_page
from backoffice.wording import said
from dynamodb import store
from dynamodb.times import utc_now

_UNREACHED = gettext_lazy(
    "It is {state}, and the archive did not answer for some of its objects: run "
    "manage.py archive_audit, which makes up for it."
)


@requires(Permission.MANAGE_HOLDS, searching="holds")
def listing(request: StaffRequest) -> HttpResponse:
    wanted = archive.RELEASED if "released" in request.GET else archive.HELD
    context = {
        "title": _("Legal holds"),
        "off": off_sentence(),
        "rows": archive.listed(wanted),
        "shows_released": wanted == archive.RELEASED,
    }
    return page(request, "backoffice/holds/list.html", context)


@requires(Permission.MANAGE_HOLDS)
@freshly_proved(posts_only=True)
def new(request: StaffRequest) -> HttpResponse:
    new = partial(HoldForm, initial=request.POST.dict() or request.GET.dict())

    def act(form: HoldForm) -> HttpResponse:
        if not is_confirmed(request):
            wanted = form.cleaned_data
            services.held_origin(kind=wanted["kind"], held_id=wanted["held_id"])
            asking = Asking(
                title=_("Set this hold?"),
                button=_("Set the hold"),
                crumbs=_crumbs(),
                facts=entered(form),
                notes=[_("It is in force at once. Only two people together can release it.")],
            )
            return confirmation(request, form, asking)
        try:
            services.set_hold(**form.cleaned_data, actor=request.user.actor, at=utc_now())
            messages.success(request, _("The hold is in force."))
        except ArchiveError:
            messages.warning(request, _UNREACHED.format(state=_("in force")))
        return redirect("admin:holds")

    return answer_form(request, new, act, partial(_form_page, request, _("Set a legal hold")))


@requires(Permission.MANAGE_HOLDS, viewing="hold")
@freshly_proved(posts_only=True)
def release(request: StaffRequest, subject: str) -> HttpResponse:
    """The first reviewer asks with a reason, a second one confirms."""
    hold = store.get(Hold(subject=subject))
    if hold is None:
        raise Http404(_("There is no hold on {subject}.").format(subject=subject))
    is_asked = hold.status == HoldStatus.RELEASE_ASKED
    kind = ReleaseForm if is_asked else AskReleaseForm
    title = _("Confirm the release") if is_asked else _("Ask for the release")
    show = partial(_form_page, request, title, hold=hold, is_asked=is_asked)

    def act(form: ActionForm) -> HttpResponse:
        actor, at = request.user.actor, utc_now()
        if is_asked:
            try:
                services.release(subject=subject, actor=actor, at=at)
                messages.success(request, _("The hold is released."))
            except ArchiveError:
                messages.warning(request, _UNREACHED.format(state=said("released")))
        else:
            services.ask_release(subject=subject, actor=actor, at=at, **form.cleaned_data)
            messages.success(request, _("A second reviewer can now confirm the release."))
        return redirect("admin:holds")

    return answer_form(request, kind, act, show)


@requires(Permission.READ_PAYMENTS, viewing="hold")
def on_payment(request: StaffRequest, payment_id: str) -> HttpResponse:
    """A fragment for the payment's page, which has no request left to look for holds itself."""
    payment = record_of(payment_id)
    found = holds_shown(payment, request.user) if payment else []
    told = ", ".join(_("held, on the {kind}").format(kind=said(hold.kind)) for hold in found)
    return HttpResponse(told or _("none"), content_type="text/plain; charset=utf-8")


def _form_page(request: StaffRequest, title: str, form: ActionForm, **more: Any) -> HttpResponse:
    about = {"title": title, "crumbs": _crumbs(), "off": off_sentence()}
    return form_page(request, "backoffice/holds/form.html", form, **about, **more)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Legal holds"), reverse("admin:holds"))]
