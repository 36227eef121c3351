"""What happens besides when Django signs a person in or out."""

from typing import Any, cast

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from backoffice.staff import doings
from backoffice.staff.models import Staff
from backoffice.staff.sessions import SessionStore
from dynamodb.times import utc_now


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Staff, **_: Any) -> None:
    cast("SessionStore", request.session).begin()
    doings.signed_in(user, at=utc_now())


@receiver(user_logged_out)
def _signed_out(user: Staff | None, **_: Any) -> None:
    if user is not None:
        doings.signed_out(user.username, at=utc_now())
