"""Trouble with the store in words: a failed read never looks like an empty list."""

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.reading import NotRecordedError
from backoffice.views.trouble import explained, note_refused, trouble
from backoffice.wording import said
from dynamodb import errors

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
    answer = trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, title, said(exception), advice)
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer
