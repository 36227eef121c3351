"""Sessions in DynamoDB. A session that was ended cannot be written again."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import (
    VALID_KEY_CHARS,
    CreateError,
    SessionBase,
    UpdateError,
)
from django.utils.crypto import get_random_string

from backoffice.staff.records import SessionRecord
from dynamodb import store
from dynamodb.errors import ConditionFailedError
from dynamodb.times import utc_now

_KEY_LENGTH = 32
"""Characters, as in Django's own sessions."""


class SessionStore(SessionBase):
    """One session. Its end is checked on read, for the store deletes late."""

    def load(self) -> dict[str, Any]:
        record = self._read(self.session_key)
        if record is None:
            self._session_key = None
            return {}
        return self.decode(record.data)

    def exists(self, session_key: str) -> bool:
        return self._read(session_key) is not None

    def create(self) -> None:
        while True:
            self._session_key = get_random_string(_KEY_LENGTH, VALID_KEY_CHARS)
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Raises ``CreateError`` where the key is taken, ``UpdateError`` where it is gone."""
        if self.session_key is None:
            self.create()
            return
        data: dict[str, Any] = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # the stubs lack it
        record = SessionRecord(
            session_key=self.session_key,
            data=self.encode(data),
            username=data.get(SESSION_KEY),
            expires_at=int(self.get_expiry_date().timestamp()),
        )
        try:
            if must_create:
                store.put_new(record)
            else:
                store.put_existing(record)
        except ConditionFailedError as error:
            raise (CreateError if must_create else UpdateError) from error

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            store.delete(SessionRecord(session_key=key))

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing to do: the table's TTL deletes what has expired."""

    def _validate_session_key(self, key: str | None) -> bool:
        """What a browser sends becomes a key of the store only if it looks like one of ours."""
        return key is not None and len(key) == _KEY_LENGTH

    @staticmethod
    def _read(session_key: str | None) -> SessionRecord | None:
        if not session_key:
            return None
        record = store.get(SessionRecord(session_key=session_key))
        if record is None or record.expires_at <= utc_now().timestamp():
            return None
        return record
