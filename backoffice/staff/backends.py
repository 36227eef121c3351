"""Who may sign in."""

from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from backoffice.staff import doings, queries
from backoffice.staff.models import Staff
from backoffice.staff.sessions import SessionStore
from dynamodb.times import utc_now

_NO_HASH = "!"
"""Nobody's hash. Checking against it costs as much as checking against a real one."""


class StaffBackend(BaseBackend):
    """Same work and same answer for an unknown name, a wrong password and a disabled person.

    Who is in is read with the session: see ``signed_in``.
    """

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


def signed_in(session: SessionStore) -> Staff | None:
    """The person of a session as they stand now; ``None`` once they may not be in any more."""
    username, record = session.get(SESSION_KEY), session.person
    if record is None or record.username != username or not record.is_active:
        return None
    person = Staff.of(record)
    made_for = session.get(HASH_SESSION_KEY, "")
    return person if constant_time_compare(made_for, person.get_session_auth_hash()) else None
