"""Pages that say what went wrong and what to do, under the request's id."""

import logging
import sys
from http import HTTPStatus

from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit import context
from backoffice.permissions import Permission
from backoffice.site import bare_page, page
from backoffice.staff import doings
from dynamodb import errors
from dynamodb.times import utc_now

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, SessionInterrupted):
        return _trouble(
            request,
            HTTPStatus.BAD_REQUEST,
            "Your session has ended",
            "You were signed out while this page was on its way, so it was not finished.",
            "Sign in again, and look whether what you did has arrived before you repeat it.",
        )
    return _trouble(
        request,
        HTTPStatus.BAD_REQUEST,
        "This request cannot be understood",
        "Something in the address or in what was sent is not as it should be.",
        "Go back to the page you came from and try again from there.",
    )


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Refuse a page, and leave an entry that tells of it."""
    needed = exception.args[0] if exception.args else ""
    _note_refused(request, str(needed))
    return _explained(
        request,
        HTTPStatus.FORBIDDEN,
        "You may not do this",
        "Your role does not include this page or action. The attempt has been recorded.",
        "If your work needs it, ask an administrator for the role.",
        permission=needed if isinstance(needed, Permission) else "",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Refuse a form that did not come from a page of ours, or came from a page that is too old."""
    _note_refused(request, "csrf")
    return _explained(
        request,
        HTTPStatus.FORBIDDEN,
        "This form has expired",
        "It does not belong to your present session, so nothing was done: you may have signed in "
        "again in another tab, or your browser does not keep cookies for this site.",
        "Load the form again and send it once more.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what is not there: in the words of ``Http404("a sentence")`` where a view has raised it.

    For an address that leads to no view Django gives the patterns it has tried, which are not.
    """
    told = [what for what in exception.args if isinstance(what, str)]
    unknown = "No page or record has this address. It may have been mistyped or cut off."
    return _explained(
        request,
        HTTPStatus.NOT_FOUND,
        "There is nothing here",
        told[0] if told else unknown,
        "Check the address, or start from the dashboard.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody foresaw, and trouble with the store outside of a view."""
    return store_trouble(request, sys.exc_info()[1]) or _trouble(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong on our side",
        "The page could not be finished. If you were changing something, it is not certain "
        "whether that was carried out.",
        "Look at the record before you try again. If it happens again, report the request id.",
    )


def store_trouble(request: HttpRequest, exception: BaseException | None) -> HttpResponse | None:
    """The page for an error of the data layer; ``None`` for any other."""
    match exception:
        case errors.CursorError():
            return _cursor_refused(request, exception)
        case errors.StoreBusyError():
            answer = _unavailable(request, "The store is busy", exception)
            answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return answer
        case errors.OutcomeUnknownError():
            return _unavailable(request, "It is not certain whether this was done", exception)
        case errors.StoreUnavailableError() | errors.TableMissingError():
            return _unavailable(request, "The store could not be read", exception)
        case errors.UnreadableRecordError():
            _log.error("%s", exception)
            return _trouble(
                request,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "A stored record is damaged",
                str(exception),
                "Report this page with its request id: the record must be looked into.",
            )
    return None


def _cursor_refused(request: HttpRequest, exception: errors.CursorError) -> HttpResponse:
    _note_refused(request, "cursor")
    return _explained(
        request,
        HTTPStatus.BAD_REQUEST,
        "This page link cannot be used",
        str(exception),
        "",
        first_page=request.path,
    )


def _unavailable(request: HttpRequest, title: str, exception: errors.StoreError) -> HttpResponse:
    _log.error("%s: %s", title, exception, exc_info=exception)
    if request.method in ("GET", "HEAD"):
        advice = "Nothing is shown rather than something incomplete. Try again in a moment."
    else:
        advice = "Look whether what you did has arrived before you repeat it."
    return _trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, title, str(exception), advice)


def _note_refused(request: HttpRequest, permission: str) -> None:
    if hasattr(request, "user") and request.user.is_authenticated:
        values = {"path": request.path[:256], "method": request.method, "permission": permission}
        doings.access_refused(request.user.username, values=values, at=utc_now())


def _explained(
    request: HttpRequest, status: HTTPStatus, title: str, what: str, advice: str, **more: object
) -> HttpResponse:
    """A page in the full shell, for a person who can go on from here."""
    told = {"title": title, "what": what, "advice": advice, **_identified(status), **more}
    if not hasattr(request, "user"):
        return bare_page(request, "backoffice/error.html", told, status=status)
    if request.user.is_authenticated:
        timezone.activate(request.user.zone)
    return page(request, "backoffice/error.html", told, status=status)


def _trouble(
    request: HttpRequest, status: HTTPStatus, title: str, what: str, advice: str
) -> HttpResponse:
    """A page that reads nothing from the store: it, or the session, may be what has failed."""
    told = {"title": title, "what": what, "advice": advice, **_identified(status)}
    return bare_page(request, "backoffice/error.html", told, status=status)


def _identified(status: HTTPStatus) -> dict[str, object]:
    return {"status": int(status), "request_id": context.current().request_id}
