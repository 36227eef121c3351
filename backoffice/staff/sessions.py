"""Sessions in DynamoDB. A session that was ended cannot be written again.

The key begins with its person's username, so that one request reads the session, the person and
whatever else a page is sure to need; what it is worth lies in the random part alone.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import (
    VALID_KEY_CHARS,
    CreateError,
    SessionBase,
    UpdateError,
)
from django.contrib.sessions.exceptions import SessionInterrupted
from django.utils.crypto import get_random_string

from audit import context
from audit.context import USER_AGENT_LENGTH
from audit.models import AuditHead
from backoffice.staff.queries import as_username
from backoffice.staff.records import SessionRecord, StaffRecord
from dynamodb import store
from dynamodb.errors import ConditionFailedError
from dynamodb.times import utc_now

_RANDOM_LENGTH = 32
"""Characters, as in Django's own sessions: 165 bits."""

_NOBODY = "-"
"""Begins the key of a session that is nobody's; no username."""

_RANDOM = re.compile(rf"[{VALID_KEY_CHARS}]{{{_RANDOM_LENGTH}}}")
TOUCHED_EVERY = timedelta(minutes=1)
"""How late the time may be that a session was last seen."""


def username_in(session_key: str | None) -> str:
    """Whose session a key is of; empty where it is nobody's, or no key of ours."""
    name, _, random = (session_key or "").rpartition(".")
    return as_username(name) if _RANDOM.fullmatch(random) and name == as_username(name) else ""


def is_live(record: SessionRecord, at: datetime) -> bool:
    """Whether a session has not ended by itself: neither idle too long nor too old."""
    if record.last_seen_at is None or record.expires_at <= at.timestamp():
        return False
    return bool(at < record.last_seen_at + timedelta(seconds=settings.SESSION_IDLE_SECONDS))


class SessionStore(SessionBase):
    """One session. Its end is checked on read, for the store deletes late.

    Loading it reads its ``person`` too and, if ``reads_head`` names a chain, the ``head`` of that.
    """

    reads_head = ""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.record: SessionRecord | None = None
        self.person: StaffRecord | None = None
        self.has_ended = False
        self.heads: dict[str, AuditHead | None] = {}

    @property
    def username(self) -> str:
        return username_in(self.session_key)

    def load(self) -> dict[str, Any]:
        wanted = [SessionRecord(session_key=self.session_key), StaffRecord(username=self.username)]
        heads = [AuditHead(entity_id=self.reads_head)] if self.reads_head else []
        record, self.person, *found = store.get_many([*wanted, *heads])
        self.heads = {head.entity_id: read for head, read in zip(heads, found, strict=True)}
        if record is None or not is_live(record, utc_now()):
            self._session_key, self.has_ended = None, True
            return {}
        self.record = record
        return self.decode(record.data)

    def is_empty(self) -> bool:
        """Also tells whether the browser is to forget its key: not that of a session that ended.

        It says whose session it was, so that what they had typed is kept for them.
        """
        return not self.has_ended and bool(super().is_empty())

    def touch(self, at: datetime) -> None:
        """Note that the session is in use, once in a while.

        Raises ``StoreError``, and ``SessionInterrupted`` where the session was ended meanwhile.
        """
        if self.record is None or at - self.record.last_seen_at < TOUCHED_EVERY:
            return
        seen = SessionRecord.last_seen_at.set(at)
        try:
            store.update(self.record, seen, condition=SessionRecord.session_key.exists())
        except ConditionFailedError as error:
            raise SessionInterrupted from error

    def exists(self, session_key: str) -> bool:
        record = store.get(SessionRecord(session_key=session_key))
        return record is not None and is_live(record, utc_now())

    def create(self) -> None:
        while True:
            username = self.get(SESSION_KEY) or _NOBODY
            random = get_random_string(_RANDOM_LENGTH, VALID_KEY_CHARS)
            self._session_key = f"{username}.{random}"
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def cycle_key(self) -> None:
        """Give the key up. The next save makes one, by then knowing whose session it is."""
        data: dict[str, Any] = self._get_session()  # type: ignore[attr-defined]  # the stubs lack it
        self.delete()
        self._session_key, self._session_cache = None, data
        self.modified = True

    def begin(self) -> None:
        """Begin anew with a sign-in: another key, and all its hours."""
        self.cycle_key()
        self.record = None

    def save(self, must_create: bool = False) -> None:
        """Raises ``CreateError`` where the key is taken, ``UpdateError`` where it is gone."""
        if self.session_key is None:
            self.create()
            return
        record = self._as_record(utc_now(), no_load=must_create)
        try:
            if must_create:
                store.put_new(record)
            else:
                store.put_existing(record)
        except ConditionFailedError as error:
            raise (CreateError if must_create else UpdateError) from error
        self.record = record

    def _as_record(self, at: datetime, *, no_load: bool) -> SessionRecord:
        data: dict[str, Any] = self._get_session(no_load=no_load)  # type: ignore[attr-defined]  # the stubs lack it
        before, origin = self.record, context.current()
        ends_at = at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        return SessionRecord(
            session_key=self.session_key,
            data=self.encode(data),
            username=data.get(SESSION_KEY),
            created_at=before.created_at if before else at,
            last_seen_at=at,
            expires_at=before.expires_at if before else int(ends_at.timestamp()),
            ip_address=origin.ip_address or None,
            user_agent=origin.user_agent[:USER_AGENT_LENGTH] or None,
        )

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            store.delete(SessionRecord(session_key=key))

    def _validate_session_key(self, key: str | None) -> bool:
        """What a browser sends becomes a key of the store only if it looks like one of ours."""
        name, _, random = (key or "").rpartition(".")
        return bool(username_in(key)) or (name == _NOBODY and bool(_RANDOM.fullmatch(random)))
