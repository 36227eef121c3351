"""Who may sign in, and who is in."""

from typing import Any, cast

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from audit import context
from audit.models import AuditHead
from backoffice.staff import doings, lockout, queries
from backoffice.staff.models import Staff
from backoffice.staff.records import SignInAttempts, StaffRecord
from backoffice.staff.sessions import SessionStore
from dynamodb import store
from dynamodb.times import utc_now
from payments.policy import policy

_NO_HASH = "!"
"""Nobody's hash. Checking against it costs as much as checking against a real one."""

_NOBODY = "-"
"""No username."""


class StaffBackend(BaseBackend):
    """Same work and same answer for unknown, wrong, locked and disabled."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django's signature
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> Staff | None:
        """Everything that matters is read at once, then the attempt counts, then it is judged."""
        if not username or not password:
            return None
        at, address = utc_now(), context.current().ip_address
        by_name, by_address = lockout.of_name(username), lockout.of_address(address or _NOBODY)
        chains = [doings.chain_of(username), doings.chain_of_unknown(username)]
        record, tried, failed_there, *heads = store.get_many([
            StaffRecord(username=queries.as_username(username) or _NOBODY), by_name, by_address,
            *(AuditHead(entity_id=chain) for chain in chains),
        ])  # fmt: skip
        tried = lockout.count(by_name, tried, at)
        is_right = check_password(password, record.password if record else _NO_HASH)
        is_held = lockout.is_locked(failed_there, at) and not _is_usual(record, address)
        reason = _why_not(record, tried, is_right=is_right, is_held=is_held)
        known_heads = dict(zip(chains, heads, strict=True))
        if record is not None and not reason:
            person = Staff.of(record)
            person.known_heads = known_heads
            return person
        doings.sign_in_refused(
            username, record, reason, tried=tried, known_heads=known_heads, at=at
        )
        if lockout.is_counted(address):
            failed_there = lockout.count(by_address, failed_there, at)
            doings.address_failed(address, failed_there, at=at)
        return None


def _is_usual(record: StaffRecord | None, address: str) -> bool:
    """Whether a person's last sign-in was from this address."""
    return record is not None and record.last_login_from == address


def _why_not(
    record: StaffRecord | None, tried: SignInAttempts, *, is_right: bool, is_held: bool
) -> str:
    if tried.failures > policy().max_failed_attempts:
        return "locked"
    if is_held:
        return "address locked"
    if record is not None and not record.is_active:
        return "disabled"
    return "" if record is not None and is_right else "wrong password"


def signed_in(session: SessionStore) -> Staff | None:
    """The person of a session as they stand now; ``None`` once they may not be in any more."""
    username, record = session.get(SESSION_KEY), session.person
    if record is None or record.username != username or not record.is_active:
        return None
    person = Staff.of(record)
    made_for = session.get(HASH_SESSION_KEY, "")
    return person if constant_time_compare(made_for, person.get_session_auth_hash()) else None


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Staff, **_: Any) -> None:
    cast("SessionStore", request.session).begin()
    doings.signed_in(user, at=utc_now())


@receiver(user_logged_out)
def _signed_out(user: Staff | None, **_: Any) -> None:
    if user is not None:
        doings.signed_out(user.username, at=utc_now())
