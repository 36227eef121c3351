"""Django's error pages in the shell, in words."""

import sys
from http import HTTPStatus

from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from backoffice import drafts
from backoffice.permissions import Permission
from backoffice.views.trouble import explained, note_refused, store_trouble, trouble
from backoffice.wording import said


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, SessionInterrupted):
        return trouble(
            request,
            HTTPStatus.BAD_REQUEST,
            _("Your session has ended"),
            _("You were signed out while this page was on its way, so it was not finished."),
            _("Sign in again, and look whether what you did has arrived before you repeat it."),
        )
    return trouble(
        request,
        HTTPStatus.BAD_REQUEST,
        _("This request cannot be understood"),
        _("Something in the address or in what was sent is not as it should be."),
        _("Go back to the page you came from and try again from there."),
    )


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Refuse a page, and leave an entry that tells of it."""
    needed = exception.args[0] if exception.args else ""
    note_refused(request, str(needed))
    return explained(
        request,
        HTTPStatus.FORBIDDEN,
        _("You may not do this"),
        _("Your role does not include this page or action. The attempt has been recorded."),
        _("If your work needs it, ask an administrator for the role."),
        permission=needed if isinstance(needed, Permission) else "",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Refuse a form that did not come from a page of ours, or came from a page that is too old.

    One that the same person had opened before they signed in again is shown again as it was typed.
    """
    if drafts.is_of_earlier_form(request):
        answer = redirect(request.get_full_path())
        drafts.keep(request, answer, request.user.get_username())
        return answer
    note_refused(request, "csrf")
    return explained(
        request,
        HTTPStatus.FORBIDDEN,
        _("This form has expired"),
        _(
            "It does not belong to your present session, so nothing was done: you may have "
            "signed in again in another tab, or your browser does not keep cookies for this site."
        ),
        _("Load the form again and send it once more."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what is not there: in the words of ``Http404("a sentence")`` where a view has raised it.

    For an address that leads to no view Django gives the patterns it has tried, which are not.
    """
    told = [what for what in exception.args if isinstance(what, str)]
    unknown = _("No page or record has this address. It may have been mistyped or cut off.")
    return explained(
        request,
        HTTPStatus.NOT_FOUND,
        _("There is nothing here"),
        said(told[0]) if told else unknown,
        _("Check the address, or start from the dashboard."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody foresaw, and trouble with the store outside of a view."""
    return store_trouble(request, sys.exc_info()[1]) or trouble(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        _("Something went wrong on our side"),
        _(
            "The page could not be finished. If you were changing something, it is not certain "
            "whether that was carried out."
        ),
        _("Look at the record before you try again. If it happens again, report the request id."),
    )
