"""Trouble in words: what went wrong and what to do, under the request's id.

A failed read never looks like an empty list.
"""

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import context
from backoffice.reading import NotRecordedError
from backoffice.site import bare_page, page
from backoffice.staff import doings
from backoffice.wording import said
from dynamodb import errors
from dynamodb.times import utc_now

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5

_NOT_READ = gettext_lazy("The store could not be read")
_TITLES: "dict[type[errors.StoreError], StrOrPromise]" = {
    NotRecordedError: gettext_lazy("This page cannot be shown just now"),
    errors.StoreBusyError: gettext_lazy("The store is busy"),
    errors.OutcomeUnknownError: gettext_lazy("It is not certain whether this was done"),
}


def note_refused(request: HttpRequest, permission: str) -> None:
    if hasattr(request, "user") and request.user.is_authenticated:
        values = {"path": request.path[:256], "method": request.method, "permission": permission}
        doings.access_refused(request.user.username, values=values, at=utc_now())


def explained(
    request: HttpRequest, status: HTTPStatus, title: str, what: str, advice: str, **more: object
) -> HttpResponse:
    """A page in the full shell, for a person who can go on from here."""
    told = {"title": title, "what": what, "advice": advice, **_identified(status), **more}
    if not hasattr(request, "user"):
        return bare_page(request, "backoffice/error.html", told, status=status)
    if request.user.is_authenticated:
        request.user.set_scene()
    return page(request, "backoffice/error.html", told, status=status)


def trouble(
    request: HttpRequest, status: HTTPStatus, title: str, what: str, advice: str
) -> HttpResponse:
    """A page that reads nothing from the store: it, or the session, may be what has failed."""
    told = {"title": title, "what": what, "advice": advice, **_identified(status)}
    return bare_page(request, "backoffice/error.html", told, status=status)


def _identified(status: HTTPStatus) -> dict[str, object]:
    return {"status": int(status), "request_id": context.current().request_id}


def store_trouble(request: HttpRequest, exception: BaseException | None) -> HttpResponse | None:
    """The page for an error of the data layer; ``None`` for any other."""
    match exception:
        case errors.CursorError():
            return _cursor_refused(request, exception)
        case (
            NotRecordedError()
            | errors.StoreBusyError()
            | errors.OutcomeUnknownError()
            | errors.StoreUnavailableError()
            | errors.StoreRefusedError()
            | errors.TableMissingError()
        ):
            return _unavailable(request, str(_TITLES.get(type(exception), _NOT_READ)), exception)
        case errors.UnreadableRecordError():
            _log.error("%s", exception)
            return trouble(
                request,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                _("A stored record is damaged"),
                said(exception),
                _("Report this page with its request id: the record must be looked into."),
            )
    return None


def _cursor_refused(request: HttpRequest, exception: errors.CursorError) -> HttpResponse:
    note_refused(request, "cursor")
    return explained(
        request,
        HTTPStatus.BAD_REQUEST,
        _("This page link cannot be used"),
        said(exception),
        "",
        first_page=request.path,
    )


def _unavailable(request: HttpRequest, title: str, exception: errors.StoreError) -> HttpResponse:
    _log.error("%s: %s", title, exception, exc_info=exception)
    if request.method in ("GET", "HEAD"):
        advice = _("Nothing is shown rather than something incomplete. Try again in a moment.")
    else:
        advice = _("Look whether what you did has arrived before you repeat it.")
    is_away = isinstance(exception, errors.StoreUnavailableError)  # the log names the endpoint
    what = _("The store does not answer.") if is_away else said(exception)
    answer = trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, title, what, advice)
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer
