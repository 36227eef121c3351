"""Staff and their sessions, as stored."""

from typing import ClassVar

from pynamodb.attributes import BooleanAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from audit.models import Chained
from dynamodb.attributes import (
    TextAttribute,
    TextListAttribute,
    TimeAttribute,
    WholeNumberAttribute,
)
from dynamodb.models import Record


class StaffRecord(Chained):
    """A member of staff. ``password`` is a hash; its value never stands in an entry."""

    class Meta:
        table_name = "staff"

    unaudited: ClassVar[frozenset[str]] = frozenset({"last_login"})

    username = TextAttribute(hash_key=True)
    password = TextAttribute()
    roles = TextListAttribute()
    full_name = TextAttribute(null=True)
    email = TextAttribute(null=True)
    time_zone = TextAttribute(default="UTC")
    is_active = BooleanAttribute(default=True)
    must_change_password = BooleanAttribute(default=True)
    password_changed_at = TimeAttribute(null=True)
    last_login = TimeAttribute(null=True)


class UsernameIndex(GlobalSecondaryIndex["SessionRecord"]):
    """A person's sessions."""

    class Meta:
        index_name = "username-index"
        projection = KeysOnlyProjection()

    username = TextAttribute(hash_key=True)
    session_key = TextAttribute(range_key=True)


class SessionRecord(Record):
    """A session. ``expires_at`` is in seconds since 1970, as a TTL must be."""

    class Meta:
        table_name = "sessions"

    expires_at_attribute: ClassVar[str] = "expires_at"

    session_key = TextAttribute(hash_key=True)
    data = TextAttribute()
    username = TextAttribute(null=True)
    expires_at = WholeNumberAttribute()

    username_index = UsernameIndex()
