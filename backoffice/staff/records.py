"""Staff and their sessions, as stored."""

from typing import ClassVar

from pynamodb.attributes import BooleanAttribute

from audit.models import Chained
from dynamodb.attributes import (
    TextAttribute,
    TextListAttribute,
    TimeAttribute,
    WholeNumberAttribute,
)
from dynamodb.models import Index, Record, VersionedRecord

EVERYBODY = "staff"
"""The one key that all of the staff are listed under: a house has some thousands at most, and
their index is written only when somebody joins."""


class StaffRecord(Chained):
    """A member of staff. ``password`` is a hash; its value never stands in an entry.

    ``factors`` names the second factors a person has, by which the trail knows them too. Every
    session was begun under a ``session_epoch``; to move it ends all that were begun before.
    """

    class Meta:
        table_name = "staff"

    indexes = (Index("staff-index", "listed_as", "username"),)
    unaudited: ClassVar[frozenset[str]] = frozenset({
        "last_login", "last_login_from", "listed_as", "past_passwords", "roles_since",
        "saved_views", "session_epoch", "state_since",
    })  # fmt: skip
    chain_prefix: ClassVar[str] = "staff:"

    username = TextAttribute(hash_key=True)
    listed_as = TextAttribute(default=EVERYBODY)
    password = TextAttribute()
    roles = TextListAttribute()
    full_name = TextAttribute(null=True)
    email = TextAttribute(null=True)
    time_zone = TextAttribute(default="UTC")
    language = TextAttribute(null=True)
    number_format = TextAttribute(null=True)
    is_active = BooleanAttribute(default=True)
    must_change_password = BooleanAttribute(default=True)
    password_changed_at = TimeAttribute(null=True)
    past_passwords = TextListAttribute(null=True)
    last_login = TimeAttribute(null=True)
    last_login_from = TextAttribute(null=True)
    factors = TextListAttribute(null=True)
    session_epoch = WholeNumberAttribute(default=0)
    state_since = TimeAttribute(null=True)
    roles_since = TimeAttribute(null=True)
    shortcuts_off = BooleanAttribute(null=True)
    saved_views = TextListAttribute(null=True)


class FactorRecord(VersionedRecord):
    """What a second factor is checked against: for an authenticator app, codes or a passkey.

    It counts only while the person's own record names it among its ``factors``; recovery codes,
    whose hashes stand under ``recovery``, while it names any. The seed is encrypted.
    """

    class Meta:
        table_name = "second_factors"

    username = TextAttribute(hash_key=True)
    factor = TextAttribute(range_key=True)
    sealed_seed = TextAttribute(null=True)
    last_step = WholeNumberAttribute(default=0)
    code_hashes = TextListAttribute(null=True)
    credential_id = TextAttribute(null=True)
    public_key = TextAttribute(null=True)
    sign_count = WholeNumberAttribute(default=0)
    last_used_at = TimeAttribute(null=True)


class SessionRecord(Record):
    """A session, since when, and from where it was last written.

    ``expires_at`` is when it ends whatever is done in it, in seconds since 1970, as a TTL must be.
    """

    class Meta:
        table_name = "sessions"

    indexes = (Index("username-index", "username", "session_key"),)
    expires_at_attribute: ClassVar[str] = "expires_at"

    session_key = TextAttribute(hash_key=True)
    data = TextAttribute()
    username = TextAttribute(null=True)
    created_at = TimeAttribute(null=True)
    last_seen_at = TimeAttribute(null=True)
    expires_at = WholeNumberAttribute()
    ip_address = TextAttribute(null=True)
    user_agent = TextAttribute(null=True)


class SignInAttempts(Record):
    """How many sign-ins have been tried under a name, by its digest, or failed from an address."""

    class Meta:
        table_name = "signin_attempts"

    expires_at_attribute: ClassVar[str] = "expires_at"

    subject = TextAttribute(hash_key=True)
    failures = WholeNumberAttribute(default=0)
    expires_at = WholeNumberAttribute(default=0)


class SignedList(Record):
    """A list of everybody's rights as it was signed, under the SHA-256 of its bytes; compressed."""

    class Meta:
        table_name = "signed_lists"

    list_hash = TextAttribute(hash_key=True)
    body = TextAttribute()
