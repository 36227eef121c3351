"""Trouble with the store in words: a failed read never looks like an empty list."""

import logging
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from backoffice.reading import NotRecordedError
from backoffice.views.trouble import explained, note_refused, trouble
from dynamodb import errors

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5

_NOT_READ = "The store could not be read"
_TITLES: dict[type[errors.StoreError], str] = {
    NotRecordedError: "This page cannot be shown just now",
    errors.StoreBusyError: "The store is busy",
    errors.OutcomeUnknownError: "It is not certain whether this was done",
}


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
            return _unavailable(request, _TITLES.get(type(exception), _NOT_READ), exception)
        case errors.UnreadableRecordError():
            _log.error("%s", exception)
            return trouble(
                request,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "A stored record is damaged",
                str(exception),
                "Report this page with its request id: the record must be looked into.",
            )
    return None


def _cursor_refused(request: HttpRequest, exception: errors.CursorError) -> HttpResponse:
    note_refused(request, "cursor")
    return explained(
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
    answer = trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, title, str(exception), advice)
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer
