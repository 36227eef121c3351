"""The entry of the trail, and the head of a chain."""

from enum import StrEnum
from typing import ClassVar

from pynamodb.attributes import BooleanAttribute

from audit.chain import FIRST_PREV_HASH, Head
from dynamodb.attributes import (
    EnumAttribute,
    TextAttribute,
    TextListAttribute,
    TimeAttribute,
    ValuesAttribute,
    WholeNumberAttribute,
)
from dynamodb.models import Index, Record, VersionedRecord

ROW_ATTRIBUTES = ["entity_type", "action", "user_id", "outcome", "changes", "reference"]
"""What a row of a list shows. The values are read with the entry itself."""


class EntryOutcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    HIGH = "high"


class AuditLog(Record):
    """One entry. Written once, with what it tells of; never changed, deleted or expired."""

    class Meta:
        table_name = "audit_log"

    indexes = (
        Index("action-index", "action_key", "timestamp", carries=ROW_ATTRIBUTES),
        Index("day-index", "day_key", "timestamp", carries=ROW_ATTRIBUTES),
        Index("user-index", "user_key", "timestamp", carries=ROW_ATTRIBUTES),
    )
    spread_indexes = frozenset({"action-index", "user-index", "day-index"})

    entity_id = TextAttribute(hash_key=True)
    timestamp = TextAttribute(range_key=True)
    action = TextAttribute()
    user_id = TextAttribute()
    action_key = TextAttribute(null=True)
    user_key = TextAttribute(null=True)
    day_key = TextAttribute(null=True)
    entity_type = TextAttribute()
    old_values = ValuesAttribute(null=True)
    new_values = ValuesAttribute(null=True)
    changes = TextListAttribute(null=True)
    outcome = EnumAttribute(EntryOutcome)
    reference = TextAttribute(null=True)
    severity = EnumAttribute(Severity, null=True)
    ip_address = TextAttribute(null=True)
    user_agent = TextAttribute(null=True)
    request_id = TextAttribute(null=True)
    created_at = TimeAttribute(null=True)
    seq = WholeNumberAttribute(null=True)
    prev_hash = TextAttribute(null=True)
    hash = TextAttribute(null=True)

    @property
    def at(self) -> str:
        """The entry's time, RFC 3339, without its number."""
        return self.timestamp.partition("#")[0]


class Chained(VersionedRecord):
    """A record that carries the head of its own audit chain.

    ``unaudited`` names attributes whose values never stand in an entry: bookkeeping, what follows
    from the rest, and secrets. ``chain_prefix`` and the partition key make the name of the chain.
    """

    unaudited: ClassVar[frozenset[str]] = frozenset()
    chain_prefix: ClassVar[str] = ""

    audit_seq = WholeNumberAttribute(default=0)
    audit_hash = TextAttribute(default=FIRST_PREV_HASH)
    audit_at = TimeAttribute(null=True)

    @property
    def head(self) -> Head:
        return Head(seq=self.audit_seq, hash=self.audit_hash, at=self.audit_at)


class AuditHead(Chained):
    """The head of a chain whose subject has no record of its own."""

    class Meta:
        table_name = "audit_heads"

    entity_id = TextAttribute(hash_key=True)


class LastVerification(Record):
    """What the last verification of a chain found, or of ``EVERYTHING``. No part of the trail."""

    class Meta:
        table_name = "verifications"

    entity_id = TextAttribute(hash_key=True)
    verified_at = TimeAttribute()
    verified_by = TextAttribute()
    unaltered = BooleanAttribute()
    no_gaps = BooleanAttribute()
    tail_complete = BooleanAttribute()
    entries = WholeNumberAttribute()
    fault_count = WholeNumberAttribute()
    faults = TextListAttribute()


EVERYTHING = "*"


class Seal(Chained):
    """A UTC day of the trail, signed; as it stands in the archive too. One a day."""

    class Meta:
        table_name = "seals"

    chain_prefix: ClassVar[str] = "seal:"

    day = TextAttribute(hash_key=True)
    entries = WholeNumberAttribute()
    root = TextAttribute()
    previous = TextAttribute()
    sealed_at = TimeAttribute()
    public_key = TextAttribute()
    signature = TextAttribute()


class Archive(Chained):
    """A month of the trail in the archive: what its manifest holds, and the last rehearsal."""

    class Meta:
        table_name = "archives"

    chain_prefix: ClassVar[str] = "archive:"

    month = TextAttribute(hash_key=True)
    entries = WholeNumberAttribute()
    parts = WholeNumberAttribute()
    manifest_sha256 = TextAttribute()
    rehearsed_at = TimeAttribute(null=True)
    rehearsal_faults = WholeNumberAttribute(null=True)


_HOLD_ROW = ["status", "customer_id", "since_month", "reason"]


class HoldStatus(StrEnum):
    IN_FORCE = "in force"
    RELEASE_ASKED = "release asked"
    RELEASED = "released"


class Hold(Chained):
    """A legal hold on an account, a customer or a case: ``customer:cus-1``.

    It keeps what the archive has of every month from ``since_month`` on. ``applied_at`` is when
    the last object that was there by then was held, ``lifted_at`` when all that may be were let
    go again. ``listed_as`` is ``held`` or ``released``.
    """

    class Meta:
        table_name = "holds"

    indexes = (Index("listed-index", "listed_as", "subject", carries=_HOLD_ROW),)
    chain_prefix: ClassVar[str] = "hold:"
    unaudited: ClassVar[frozenset[str]] = frozenset({"subject", "listed_as"})

    subject = TextAttribute(hash_key=True)
    listed_as = TextAttribute()
    status = EnumAttribute(HoldStatus)
    customer_id = TextAttribute(null=True)
    since_month = TextAttribute()
    reason = TextAttribute()
    set_by = TextAttribute()
    set_at = TimeAttribute()
    applied_at = TimeAttribute(null=True)
    lifted_at = TimeAttribute(null=True)
    release_asked_by = TextAttribute(null=True)
    released_by = TextAttribute(null=True)

    @property
    def is_in_force(self) -> bool:
        """Until a second person has released it."""
        return self.status != HoldStatus.RELEASED

    @property
    def is_carried_out(self) -> bool:
        """Whether the archive's objects were all seen to since it was set or released."""
        return bool(self.applied_at if self.is_in_force else self.lifted_at)

    @property
    def kind(self) -> str:
        return self.subject.partition(":")[0]

    @property
    def held_id(self) -> str:
        return self.subject.partition(":")[2]

    @property
    def chain(self) -> str:
        return self.chain_prefix + self.subject
