"""What was typed into a form that could not be sent, because its session had ended meanwhile.

It waits in a cookie of its own, encrypted, bound to its address and person, for an hour at most.
Once the same person has signed in, the same form stands filled as it was; nothing is sent by that.
A form from before signing in again carries the token of then: it comes back the same way.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import _unmask_cipher_token  # type: ignore[attr-defined]  # the stubs lack it
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from backoffice.staff.sessions import username_in

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_HOLDS_SECONDS = 60 * 60
_MOST_BYTES = 3800
"""Of a cookie; browsers take 4 KB. What is longer is not kept."""

_SECRET = re.compile(r"csrfmiddlewaretoken|.*(?:password|code|passkey|secret|token).*")
_TOKEN = re.compile(r"[A-Za-z0-9]{64}")
_EARLIER = "earlier_token"
_BACK = _(
    "You had been signed out. What you typed is back, and nothing was sent: check and send it."
)

_NOTHING: Mapping[str, list[str]] = MappingProxyType({})
_typed: ContextVar[Mapping[str, list[str]]] = ContextVar("typed", default=_NOTHING)


def last_person(request: HttpRequest) -> str:
    """Whose session this browser has, or had until it ended."""
    return username_in(request.COOKIES.get(settings.SESSION_COOKIE_NAME))


def keep(request: HttpRequest, answer: HttpResponseBase, username: str) -> None:
    """Give what was posted, without secrets, to the browser to keep for this person."""
    typed = {name: values for name, values in request.POST.lists() if not _SECRET.fullmatch(name)}
    packed = zlib.compress(json.dumps([username, request.get_full_path(), typed]).encode())
    sealed = _box().encrypt(packed).decode()
    if username and typed and len(sealed) <= _MOST_BYTES:
        answer.set_cookie(
            settings.DRAFT_COOKIE_NAME,
            sealed,
            max_age=_HOLDS_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def is_kept(request: HttpRequest) -> bool:
    return settings.DRAFT_COOKIE_NAME in request.COOKIES


@contextmanager
def filled_in(request: HttpRequest, username: str) -> Iterator[bool]:
    """Fill the forms of a page with what this person had typed at its address; says whether."""
    typed = _kept_for(request, username) if request.method == "GET" and is_kept(request) else {}
    if typed:
        messages.warning(request, _BACK)
    token = _typed.set(typed)
    try:
        yield bool(typed)
    finally:
        _typed.reset(token)


def forget(answer: HttpResponseBase) -> None:
    answer.delete_cookie(settings.DRAFT_COOKIE_NAME, samesite="Lax")


def fill(form: forms.Form) -> None:
    """Fill a form that nobody has sent."""
    for name, values in _typed.get().items():
        takes_many = isinstance(form.fields.get(name), forms.MultipleChoiceField)
        form.initial[name] = values if takes_many else values[-1]


def earlier_token(request: HttpRequest, username: str) -> dict[str, str]:
    """For the session of a person who signs in again: what marks the forms of their last one."""
    secret = request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    return {_EARLIER: _digest(secret)} if last_person(request) == username else {}


def is_of_earlier_form(request: HttpRequest) -> bool:
    """Whether a form was opened by the same person before they signed in again."""
    token = request.POST.get("csrfmiddlewaretoken", "")
    if not request.user.is_authenticated or not _TOKEN.fullmatch(token):
        return False
    earlier = request.session.get(_EARLIER, "")
    return constant_time_compare(earlier, _digest(_unmask_cipher_token(token)))


def _kept_for(request: HttpRequest, username: str) -> dict[str, list[str]]:
    from cryptography.fernet import InvalidToken

    try:
        packed = _box().decrypt(request.COOKIES[settings.DRAFT_COOKIE_NAME], ttl=_HOLDS_SECONDS)
    except InvalidToken:
        return {}
    told: tuple[str, str, dict[str, Any]] = json.loads(zlib.decompress(packed))
    person, address, typed = told
    return typed if (person, address) == (username, request.get_full_path()) else {}


def _box() -> "Fernet":
    from cryptography.fernet import Fernet  # takes its time, and few sessions end in a form

    key = hashlib.sha256(f"{__name__}:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
