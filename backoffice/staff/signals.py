"""What happens besides when Django signs a person in or out."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from backoffice.staff import doings
from backoffice.staff.models import Staff
from dynamodb.times import utc_now


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Staff, **_: Any) -> None:
    at = utc_now()
    request.session.set_expiry(at + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    doings.signed_in(user.record, at=at)


@receiver(user_logged_out)
def _signed_out(user: Staff | None, **_: Any) -> None:
    if user is not None:
        doings.signed_out(user.username, at=utc_now())
