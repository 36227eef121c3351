"""Asking for a second factor, wherever one is needed before something is done."""

from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.forms.second_factor import ProofForm
from backoffice.permissions import StaffRequest, StaffView
from backoffice.site import page
from backoffice.staff import second_factor
from backoffice.staff import second_factor_passkeys as passkeys
from backoffice.staff.records import StaffRecord
from backoffice.staff.refusals import WrongCode
from backoffice.staff.second_factor import Answer
from backoffice.staff.second_factor_passkeys import Place, Question
from backoffice.wording import said
from dynamodb.times import utc_now

P = ParamSpec("P")

FRESH_SECONDS = 5 * 60
_PROVED_AT = "proved_at"
_CHALLENGE = "passkey_challenge"
_OF_PROOF = ("proof_code", "proof_passkey", "proof_for", "csrfmiddlewaretoken")


def freshly_proved(
    *, posts_only: bool = False, then: str = ""
) -> Callable[[StaffView[P]], StaffView[P]]:
    """Let a view be used by whoever has shown a second factor within five minutes.

    Others are asked for it in its place. What they had posted goes with the question and on to
    the view, so nothing is typed twice. Whoever has no second factor is not asked: where one is
    compulsory, ``requires`` has led them to add one. A page is shown after its proof; a file would
    leave the question standing, so it names the page of its record, to go to ``then``.
    """

    def guard(view: StaffView[P]) -> StaffView[P]:
        @wraps(view)
        def guarded(request: StaffRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            is_asked = request.method == "POST" or not posts_only
            asked = _demand(request) if is_asked else None
            if then and asked and asked.status_code == HTTPStatus.FOUND:
                messages.success(request, _("It is you: for five minutes you are not asked again."))
                return redirect(reverse(then, kwargs=dict(kwargs)))
            return asked or view(request, *args, **kwargs)

        guarded.needs_proof = True  # type: ignore[attr-defined]  # what a test looks for
        return cast("StaffView[P]", guarded)

    return guard


def _demand(request: StaffRequest) -> HttpResponseBase | None:
    """Ask for a fresh proof, or take it; ``None`` where the view may go on."""
    is_answer = bool({"proof_code", "proof_passkey"} & request.POST.keys())
    if request.user.record.factors and not _is_fresh(request):
        form = ProofForm(request.POST if is_answer else None)
        purpose = request.path[:256]
        if not (is_answer and is_proved(request, request.user.record, form, purpose=purpose)):
            return _question_page(request, form)
    if not is_answer:
        return None
    if request.POST.get("proof_for") == "GET":
        return redirect(request.get_full_path())
    posted = request.POST.copy()
    for name in _OF_PROOF:
        posted.pop(name, None)
    request.POST = posted  # type: ignore[assignment]  # as changeable as it arrived
    return None


def is_proved(request: HttpRequest, record: StaffRecord, form: ProofForm, *, purpose: str) -> bool:
    """Whether a posted proof is right; it then counts for five minutes of this session."""
    if not form.is_valid():
        return False
    answer = Answer(
        code=form.cleaned_data["proof_code"],
        passkey=form.cleaned_data["proof_passkey"],
        challenge=challenge_of(request),
        place=place_of(request),
    )
    try:
        second_factor.prove(record, answer, purpose=purpose, at=utc_now())
    except WrongCode as refusal:
        form.add_error("proof_code", said(refusal))
        return False
    mark_proved(request)
    return True


def mark_proved(request: HttpRequest) -> None:
    request.session[_PROVED_AT] = utc_now().timestamp()


def _is_fresh(request: HttpRequest) -> bool:
    proved_at = request.session.get(_PROVED_AT, 0)
    return bool(utc_now().timestamp() < proved_at + FRESH_SECONDS)


def question_for(request: HttpRequest, record: StaffRecord) -> dict[str, Any]:
    """What a page needs to ask for a second factor; the challenge waits in the session."""
    kept, place = second_factor.factors_of(record), place_of(request)
    keys = second_factor.passkeys_among(kept) if place.has_name else []
    has_codes = second_factor.APP in kept or second_factor.RECOVERY in kept
    return {
        "options": ask(request, passkeys.ask_for(place, keys)) if keys else "",
        "has_codes": has_codes,
    }


def ask(request: HttpRequest, question: Question) -> str:
    """Remember the challenge of a question, for one answer; returns what the script is given."""
    request.session[_CHALLENGE] = question.challenge
    return question.options


def challenge_of(request: HttpRequest) -> str:
    """The challenge that was asked last, which is answered once."""
    return str(request.session.pop(_CHALLENGE, ""))


def place_of(request: HttpRequest) -> Place:
    host, _ = split_domain_port(request.get_host())
    return Place(origin=f"{request.scheme}://{request.get_host()}", host=host)


def _question_page(request: StaffRequest, form: ProofForm) -> HttpResponse:
    """Ask (401, for nothing of the page behind it is shown)."""
    context = {
        "title": _("Is it you?"),
        "form": form,
        "kept": _kept(request),
        "proof_for": request.POST.get("proof_for", request.method),
        **question_for(request, request.user.record),
    }
    answer = page(
        request, "backoffice/second_factor/proof.html", context, status=HTTPStatus.UNAUTHORIZED
    )
    answer["WWW-Authenticate"] = "SecondFactor"
    return answer


def _kept(request: HttpRequest) -> Sequence[tuple[str, str]]:
    """What was posted for the view, to be posted again with the proof."""
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if name not in _OF_PROOF
        for value in values
    ]
