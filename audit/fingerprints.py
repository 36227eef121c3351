"""Whether two sides say the same about millions of subjects, in half a megabyte."""

import base64
import hashlib
import json
import secrets
import threading
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

BUCKETS = 2**16
_MASK = 2**64 - 1
_lock = threading.Lock()


@dataclass(kw_only=True)
class Fingerprints:
    """Sums of keyed 64-bit hashes of what is claimed, in buckets by subject.

    One side adds its claims, the other takes its own away, each in any order: a bucket at zero
    means that both said the same of all its subjects (but for one chance in 2^64; the key, drawn
    anew, keeps anybody from arranging one). A bucket that is not names a few subjects to look at.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _sums: "array[int]" = field(default_factory=lambda: array("Q", bytes(8 * BUCKETS)))

    def add(self, subject: str, claim: Sequence[Any], weight: int = 1) -> None:
        """Count a claim about a subject so many times; negative on the other side."""
        text = json.dumps([subject, claim], sort_keys=True, default=repr)
        digest = hashlib.blake2b(text.encode(), digest_size=8, key=self.key).digest()
        place = _bucket(subject)
        with _lock:
            self._sums[place] = (self._sums[place] + weight * int.from_bytes(digest)) & _MASK

    def differ(self, subject: str) -> bool:
        """Whether the sides differ about this subject, or about another of its bucket."""
        return self._sums[_bucket(subject)] != 0

    def __bool__(self) -> bool:
        """Whether the sides differ about anything."""
        return any(self._sums)

    def to_json(self) -> dict[str, str]:
        packed = zlib.compress(self._sums.tobytes(), level=1)
        return {"key": self.key.hex(), "sums": base64.b64encode(packed).decode()}

    @classmethod
    def from_json(cls, kept: dict[str, str]) -> Self:
        """Take up what ``to_json`` gave; raises ``LookupError`` or ``ValueError`` if it is not."""
        try:
            packed = zlib.decompress(base64.b64decode(kept["sums"]))
        except zlib.error as error:
            raise ValueError("The fingerprints are damaged.") from error
        return cls(key=bytes.fromhex(kept["key"]), _sums=array("Q", packed))


def _bucket(subject: str) -> int:
    return zlib.crc32(subject.encode()) % BUCKETS
