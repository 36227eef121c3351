"""What every request passes: its origin on the way in, honest words for trouble on the way out."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser  # noqa: TID251 - Django's word for nobody
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from audit import context
from backoffice import numbers
from backoffice.origin import is_trusted, origin_of
from backoffice.staff.backends import signed_in
from backoffice.staff.models import Staff
from backoffice.staff.sessions import SessionStore
from backoffice.views.errors import not_found
from backoffice.views.trouble import store_trouble
from payments.refusals import AlertNotFound, CaseNotFound

Answer = Callable[[HttpRequest], HttpResponse]


def origin(get_response: Answer) -> Answer:
    """Set the audit context of the request, name its id in the answer, forbid storing it.

    Until a person is known it speaks the browser's language.

    Only a trusted proxy may say that the browser's side is HTTPS. What is sent is read as UTF-8
    whatever it says of itself: some encodings lead to characters that nothing can keep.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_trusted(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        request.encoding = "utf-8"
        asked = origin_of(request.META, settings.TRUSTED_PROXIES)
        request.META["HTTP_X_REQUEST_ID"] = asked.request_id
        language = translation.get_language_from_request(request)
        numbers.use(None)
        with context.use(asked), timezone.override(None), translation.override(language):
            response = get_response(request)
        response["X-Request-ID"] = asked.request_id
        response.setdefault("Cache-Control", "no-store")
        return response

    return middleware


class PersonMiddleware(AuthenticationMiddleware):
    """Tells who is asking: the person who was read together with their session."""

    def process_request(self, request: HttpRequest) -> None:
        session = cast("SessionStore", request.session)
        lazily = SimpleLazyObject(lambda: _person(session) or AnonymousUser())
        request.user = cast("Staff", lazily)


def _person(session: SessionStore) -> Staff | None:
    person = signed_in(session)
    if person is not None:
        context.name_actor(person.username)
    return person


class StoreTroubleMiddleware:
    """Answers trouble with the store in words: a failed read never looks like an empty list.

    What a service does not find, an address does not lead to.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, AlertNotFound | CaseNotFound):
            return not_found(request, exception)
        return store_trouble(request, exception)
