"""Signing in and out, one's own password and preferences."""

from django.contrib import messages
from django.contrib.admin import site
from django.contrib.auth.views import PasswordChangeDoneView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from backoffice import drafts
from backoffice.forms.person import PasswordForm, PreferencesForm
from backoffice.permissions import Permission, StaffRequest, public, requires
from backoffice.site import page
from backoffice.staff import services
from backoffice.views.second_step import SignInView
from dynamodb.times import utc_now

logout = public(site.logout)


@public
def login(request: HttpRequest) -> HttpResponseBase:
    if request.method == "GET" and request.user.is_authenticated:
        return redirect("admin:index")
    told = site.each_context(request) | {
        "title": _("Sign in"),
        "app_path": request.get_full_path(),
        "has_draft": drafts.is_kept(request),
    }
    return SignInView.as_view(extra_context=told)(request)


@requires(Permission.USE_DASHBOARD, before_first_password=True)
def password_change(request: StaffRequest) -> HttpResponseBase:
    view = PasswordChangeView.as_view(
        form_class=PasswordForm,
        success_url=reverse_lazy("admin:password_change_done"),
        extra_context=site.each_context(request) | {"title": _("Change password")},
    )
    return view(request)


@requires(Permission.USE_DASHBOARD)
def password_change_done(request: StaffRequest) -> HttpResponseBase:
    return PasswordChangeDoneView.as_view(extra_context=site.each_context(request))(request)


@requires(Permission.USE_DASHBOARD)
def preferences(request: StaffRequest) -> HttpResponse:
    person = request.user
    initial = {name: getattr(person.record, name) for name in PreferencesForm.base_fields}
    form = PreferencesForm(request.POST or None, initial=initial)
    if form.is_valid():
        chosen = form.cleaned_data
        person.record = services.set_preferences(
            username=person.username, **chosen, actor=person.actor, at=utc_now()
        )
        person.set_scene()
        messages.success(request, _("Your preferences are saved."))
        return redirect("admin:preferences")
    told = {"title": _("Preferences"), "form": form}
    return page(request, "backoffice/preferences.html", told)
