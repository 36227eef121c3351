"""Adding a second factor: an authenticator app or a passkey."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from backoffice.forms.second_factor import AppForm, PasskeyForm
from backoffice.permissions import StaffRequest
from backoffice.staff import second_factor, services
from backoffice.staff import second_factor_codes as codes
from backoffice.staff import second_factor_passkeys as passkeys
from backoffice.staff.second_factor import Answer
from backoffice.views.fresh_proof import ask, challenge_of, freshly_proved, mark_proved, place_of
from backoffice.views.once import answer_form, form_page
from backoffice.views.second_factor import by, codes_page, crumbs, own


@own
@freshly_proved()
def app(request: StaffRequest) -> HttpResponse:
    """Add an authenticator app, or another in its place."""
    username = request.user.username
    new = partial(AppForm, initial={"sealed": second_factor.new_sealed_seed(username)})

    def act(form: AppForm) -> HttpResponse:
        shown = second_factor.add_app(**form.cleaned_data, **by(request))
        return _added(request, shown, _("The authenticator app is added."))

    return answer_form(request, new, act, partial(_app_page, request))


@own
@freshly_proved()
def passkey(request: StaffRequest) -> HttpResponse:

    def act(form: PasskeyForm) -> HttpResponse:
        answer = Answer(
            passkey=form.cleaned_data["passkey"],
            challenge=challenge_of(request),
            place=place_of(request),
        )
        name = form.cleaned_data["name"]
        shown = second_factor.add_passkey(name=name, answer=answer, **by(request))
        return _added(request, shown, _("The passkey is added."))

    return answer_form(request, PasskeyForm, act, partial(_passkey_page, request))


def _added(request: StaffRequest, shown: list[str], sentence: str) -> HttpResponse:
    """Go on in this session, which has just shown the factor; all others are over."""
    request.user.record = services.find_staff(request.user.username)
    update_session_auth_hash(request, request.user)
    mark_proved(request)
    messages.success(request, sentence)
    return codes_page(request, shown) if shown else redirect("admin:second_factor")


def _app_page(request: StaffRequest, form: AppForm, **more: Any) -> HttpResponse:
    username = request.user.username
    try:
        seed = second_factor.shown_seed(username, form["sealed"].value() or "")
    except codes.SeedUnreadableError:
        return redirect("admin:second_factor_app")
    context = {
        "title": _("Add an authenticator app"),
        "crumbs": crumbs(),
        "qr_code": codes.qr_code(codes.provisioning_uri(seed, username)),
        "seed": seed,
        **more,
    }
    return form_page(request, "backoffice/second_factor/app.html", form, **context)


def _passkey_page(request: StaffRequest, form: PasskeyForm, **more: Any) -> HttpResponse:
    place, username = place_of(request), request.user.username
    kept = second_factor.passkeys_among(second_factor.factors_of(request.user.record))
    context = {
        "title": _("Add a passkey"),
        "crumbs": crumbs(),
        "place": place,
        "options": ask(request, passkeys.ask_for_new(place, username, kept)),
        **more,
    }
    return form_page(request, "backoffice/second_factor/passkey.html", form, **context)
