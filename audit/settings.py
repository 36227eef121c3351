"""Where the trail's archive is, how long it is kept, and what seals are signed with."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

RETENTION_DAYS = 2555
"""Seven years."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All the archive is told from outside. Without a bucket or a key there are no seals."""

    bucket: str = ""
    region: str = "us-east-1"
    seal_key: bytes = field(default=b"", repr=False)
    """An Ed25519 private key as PEM, or its seed of 32 bytes."""
    retention_days: int = RETENTION_DAYS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables; raises ``ValueError`` that names what cannot be read."""
        days = environment.get("AUDIT_LOG_RETENTION_DAYS", "") or str(RETENTION_DAYS)
        if not (days.isascii() and days.isdecimal()):
            message = f"AUDIT_LOG_RETENTION_DAYS must be a whole number, not {days!r}."
            raise ValueError(message)
        return cls(
            bucket=environment.get("AUDIT_ARCHIVE_BUCKET", "").strip(),
            region=environment.get("AWS_REGION") or "us-east-1",
            seal_key=_key(environment.get("AUDIT_SEAL_KEY", "").strip()),
            retention_days=int(days),
        )

    @property
    def off(self) -> str:
        """Why nothing is sealed; empty where seals are on."""
        if not self.bucket:
            return "no bucket set"
        return "" if self.seal_key else "no key set"

    def kept_until(self, at: datetime) -> datetime:
        return at + timedelta(days=self.retention_days)


def _key(text: str) -> bytes:
    if text.startswith("-----BEGIN"):
        return text.replace("\\n", "\n").encode()
    try:
        seed = base64.b64decode(text, validate=True)
    except binascii.Error:
        seed = b"?"
    if len(seed) not in (0, 32):
        raise ValueError("AUDIT_SEAL_KEY must be an Ed25519 key as PEM or 32 bytes in base64.")
    return seed


_settings = Settings()


def configure(settings: Settings) -> None:
    global _settings  # noqa: PLW0603 - set once a process
    _settings = settings


def settings() -> Settings:
    """The settings in force."""
    return _settings
