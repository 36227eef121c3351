"""Who may sign in."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest

from backoffice.staff import doings, queries
from backoffice.staff.models import Staff
from dynamodb.times import utc_now

_NO_HASH = "!"
"""Nobody's hash. Checking against it costs as much as checking against a real one."""


class StaffBackend(BaseBackend):
    """Same work and same answer for an unknown name, a wrong password and a disabled person."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django's signature
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> Staff | None:
        if not username or not password:
            return None
        record = queries.find(username)
        is_right = check_password(password, record.password if record else _NO_HASH)
        if record is not None and is_right and record.is_active:
            return Staff.of(record)
        doings.sign_in_refused(username, record, at=utc_now())
        return None

    def get_user(self, user_id: str) -> Staff | None:
        """The person of a session, read anew for each request; ``None`` once deactivated."""
        record = queries.find(user_id)
        return Staff.of(record) if record is not None and record.is_active else None
