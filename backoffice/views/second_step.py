"""The second step of signing in: before it there is no person, no page and no data."""

from django.conf import settings
from django.contrib.auth import login as sign_in
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from backoffice import drafts
from backoffice.forms.person import SignInForm
from backoffice.forms.second_factor import ProofForm
from backoffice.permissions import public
from backoffice.site import page
from backoffice.staff import lockout, queries
from backoffice.staff.models import Staff
from backoffice.views.fresh_proof import is_proved, mark_proved, question_for
from dynamodb.times import utc_now

_HALF = "half_signed_in"
_SECONDS = 5 * 60
"""How long a right password waits for its second factor."""


class SignInView(LoginView):
    """Django's, but that a right password alone does not sign in whoever has a second factor."""

    authentication_form = SignInForm
    template_name = "admin/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        earlier = drafts.earlier_token(self.request, form.get_user().username)
        answer = self._go_on(form)
        self.request.session.update(earlier)
        return answer

    def _go_on(self, form: AuthenticationForm) -> HttpResponse:
        person = form.get_user()
        if not person.record.factors:
            return super().form_valid(form)
        lockout.give_back(person.username)
        session = self.request.session
        session.flush()
        session[_HALF] = {
            "username": person.username,
            "hash": person.get_session_auth_hash(),
            "until": utc_now().timestamp() + _SECONDS,
            "next": self.get_success_url(),
        }
        return redirect("admin:second_step")


@public
def second_step(request: HttpRequest) -> HttpResponse:
    person = _half_signed_in(request)
    if person is None:
        return redirect("admin:login")
    form = ProofForm(request.POST if request.method == "POST" else None)
    if form.is_bound and is_proved(request, person.record, form, purpose="sign-in"):
        following = request.session.pop(_HALF)["next"]
        sign_in(request, person, settings.AUTHENTICATION_BACKENDS[0])
        mark_proved(request)
        return redirect(following)
    context = {
        "title": _("Second step"),
        "form": form,
        "username": person.username,
        **question_for(request, person.record),
    }
    return page(request, "backoffice/second_factor/step.html", context)


def _half_signed_in(request: HttpRequest) -> Staff | None:
    """Whoever has given a right password in this session a short while ago."""
    half = request.session.get(_HALF)
    if half is None or half["until"] < utc_now().timestamp():
        return None
    record = queries.find(half["username"])
    if record is None or not record.factors:
        return None
    person = Staff.of(record)
    return person if constant_time_compare(half["hash"], person.get_session_auth_hash()) else None
