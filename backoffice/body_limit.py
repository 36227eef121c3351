"""How much a request may send: what is too much is refused before it is read."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from backoffice.views.trouble import trouble


def body_limit(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 413 to a body that is too large, as middleware.

    A body that does not declare its length is read no further than the limit. One within it
    becomes the body of the request, which Django by itself would take to be empty.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_upload = request.path.startswith(settings.UPLOAD_ADDRESS)
        most = settings.MAX_UPLOAD_BYTES if is_upload else settings.MAX_BODY_BYTES
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            body = _read(request, most + 1)
            request.META["CONTENT_LENGTH"] = str(len(body))
            request._body = body  # noqa: SLF001 - where Django keeps what it has read
        if _declared(request) > most:
            return _too_large(request, most)
        return get_response(request)

    return middleware


def _read(request: HttpRequest, most: int) -> bytes:
    try:
        body: bytes = request.META["wsgi.input"].read(most)
    except OSError as error:
        raise BadRequest("The body did not arrive whole.") from error
    return body


def _declared(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdecimal() else 0


def _too_large(request: HttpRequest, most: int) -> HttpResponse:
    told = _("At most {most} MB can be sent to this address, so nothing of it was read.")
    return trouble(
        request,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        _("This is too large"),
        told.format(most=most // 2**20),
        _("Send less at a time: a long file can be sent in parts."),
    )
