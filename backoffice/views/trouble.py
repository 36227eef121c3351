"""The page that says what went wrong and what to do, under the request's id."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from audit import context
from backoffice.site import bare_page, page
from backoffice.staff import doings
from dynamodb.times import utc_now


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
