"""How a form that is safe to send twice is answered, whatever it asks for."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import HttpResponse
from django.utils.translation import gettext as _

from backoffice.forms.ids import ActionForm
from backoffice.permissions import StaffRequest
from backoffice.site import page
from backoffice.views.trouble import RETRY_AFTER_SECONDS
from dynamodb.errors import OutcomeUnknownError, StoreBusyError, StoreUnavailableError
from dynamodb.times import utc_now
from payments import attempts
from payments.refusals import Refusal

F = TypeVar("F", bound=ActionForm)

Show = Callable[..., HttpResponse]
"""Shows the page of a form: ``show(form, status=..., **context)``."""


def form_page(
    request: StaffRequest, template: str, form: ActionForm, **context: Any
) -> HttpResponse:
    """The page of a form, which ``settle`` shows again, then with a ``status`` of its own."""
    status = context.pop("status", 0)
    return page(request, template, {"form": form, **context}, status=status)


def answer_form(
    request: StaffRequest,
    new: Callable[..., F],
    act: Callable[[F], HttpResponse | None],
    show: Show,
) -> HttpResponse:
    """The page of a ``new`` form, or of one to be edited again; else what a posted one leads to."""
    if request.method != "POST" or "edit" in request.POST:
        return show(new())
    return settle(request, new(request.POST), act, show)


def settle(
    request: StaffRequest, form: F, act: Callable[[F], HttpResponse | None], show: Show
) -> HttpResponse:
    """Answer a posted form by what ``act`` answers, or by the form with what went wrong.

    ``act`` answers ``None`` once it has put a refusal on the form. A refused form (422) gets a
    fresh id, for its refusal is on record; where the store was busy (503) it keeps the one it has.
    """
    answer = None
    try:
        if form.is_valid():
            answer = act(form)
        else:
            _record(request, form, form.refusal())
    except Refusal as refusal:
        if not refusal.is_recorded:
            _record(request, form, refusal)
        form.refuse(refusal.field, str(refusal))
    except OutcomeUnknownError:
        return _unknown(request, form)
    except (StoreBusyError, StoreUnavailableError):
        answer = show(form, status=HTTPStatus.SERVICE_UNAVAILABLE, is_busy=True)
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if answer is None:
        form.renew_id()
        answer = show(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return answer


def _record(request: StaffRequest, form: ActionForm, refusal: Refusal) -> None:
    """Remember an attempt that no service has recorded, or that had the wrong shape for one."""
    actor = request.user.actor
    attempts.record_refusal(refusal, subject=form.subject, actor=actor, at=utc_now())


def _unknown(request: StaffRequest, form: ActionForm) -> HttpResponse:
    context: dict[str, Any] = {
        "title": _("The outcome is not known yet"),
        "form": form,
        "confirm": request.POST.get("confirm", ""),
    }
    return page(request, "backoffice/unknown.html", context, status=HTTPStatus.ACCEPTED)
