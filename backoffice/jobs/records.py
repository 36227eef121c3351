"""A job as stored."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from audit.models import Chained
from dynamodb.attributes import (
    EnumAttribute,
    TextAttribute,
    TimeAttribute,
    ValuesAttribute,
    WholeNumberAttribute,
)
from dynamodb.models import Index

OPEN = "open"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class Job(Chained):
    """Something to be done. ``id`` is a UUIDv7, so jobs sort by when they were asked for.

    ``open_key`` stands in those that a worker may have to do: queued, or running under a lease.
    ``claims`` counts the workers that took it and tells an old one from the present one;
    ``stalls`` counts those since it last got on. ``checkpoint`` is where the next one goes on.
    """

    class Meta:
        table_name = "jobs"

    indexes = (
        Index("creator-index", "created_by", "id"),
        Index("kind-index", "kind", "id"),
        Index("open-index", "open_key", "id"),
    )
    chain_prefix: ClassVar[str] = "job:"
    unaudited: ClassVar[frozenset[str]] = frozenset({
        "checkpoint", "claims", "done", "id", "lease_until", "open_key", "parameters", "result",
        "stalls", "total",
    })  # fmt: skip

    id = TextAttribute(hash_key=True)
    kind = TextAttribute()
    title = TextAttribute()
    parameters = ValuesAttribute(null=True)
    state = EnumAttribute(JobState)
    open_key = TextAttribute(null=True)
    created_by = TextAttribute()
    owner = TextAttribute(null=True)
    lease_until = TimeAttribute(null=True)
    claims = WholeNumberAttribute(default=0)
    stalls = WholeNumberAttribute(default=0)
    done = WholeNumberAttribute(default=0)
    total = WholeNumberAttribute(null=True)
    checkpoint = ValuesAttribute(null=True)
    result = ValuesAttribute(null=True)
    error = TextAttribute(null=True)

    @property
    def is_open(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    def can_be_claimed(self, at: datetime) -> bool:
        """Queued, or running under a lease that has ended: its worker is gone."""
        has_lease = self.lease_until is not None and self.lease_until > at
        return self.is_open and not has_lease

    @property
    def can_be_retried(self) -> bool:
        return self.state in (JobState.FAILED, JobState.CANCELED)
