"""The chain: each entry's hash covers all it says and the hash of the entry before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from dynamodb.attributes import plain
from dynamodb.models import Item
from dynamodb.shards import keys_of, spread_key

FIRST_PREV_HASH = "0" * 64
SEQ_DIGITS = 12
_INDEX_KEYS = ("action_key", "user_key", "day_key")
NOT_HASHED = frozenset({"hash", *_INDEX_KEYS})
"""The hash itself, and the index keys, which may be spread anew without breaking a chain."""

POSTINGS = frozenset({"account.credited", "account.debited"})
"""Both sides of a payment, which travel with the payment's own entry and name it. That one is found
by action and person; these are found by their account, their day, or from their payment."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest entry of a chain: its number, hash and time. A new chain has number 0."""

    seq: int = 0
    hash: str = FIRST_PREV_HASH
    at: datetime | None = None


NO_ENTRY = Head()
"""What stands before the first entry."""


def index_keys(*, entity_id: str, action: str, user_id: str, timestamp: str) -> dict[str, Any]:
    """What an entry is found by: its UTC day and, unless it is a posting, action and person."""
    told = _found_by(action=action, user_id=user_id, timestamp=timestamp)
    return {name: spread_key(value, by=entity_id + timestamp) for name, value in told.items()}


def _found_by(*, action: str, user_id: str, timestamp: str) -> dict[str, str]:
    day = {"day_key": timestamp[:10]}
    return day if action in POSTINGS else {"action_key": action, "user_key": user_id, **day}


def canonical_json(values: Mapping[str, Any]) -> bytes:
    """Write values as RFC 8785 does: sorted keys, no spaces, UTF-8.

    Equal to RFC 8785 for what entries hold: ASCII names, texts, flags and whole numbers.
    """
    try:
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:  # of more than 64 bits, or nothing that can be written
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()


def entry_hash(item: Item) -> str:
    """SHA-256 in hex over a stored entry, its index keys and its own hash left out."""
    return values_hash({name: plain(typed) for name, typed in item.items()})


def values_hash(entry: Mapping[str, Any]) -> str:
    """As ``entry_hash``, of an entry as plain values."""
    told = {name: value for name, value in entry.items() if name not in NOT_HASHED}
    return hashlib.sha256(canonical_json(told)).hexdigest()


def is_findable(item: Item) -> bool:
    """Whether a stored entry has the index keys that follow from it, so that searches see it.

    A posting may have those that are left out of it today, if they are its own.
    """
    names = ("action", "user_id", "timestamp")
    told = {name: str(plain(item.get(name, {"S": ""}))) for name in (*names, *_INDEX_KEYS)}
    needed = _found_by(**{name: told[name] for name in names})
    own = {"action_key": told["action"], "user_key": told["user_id"], **needed}
    return all(
        told[name] in keys_of(own[name]) or told[name] == needed.get(name, "")
        for name in _INDEX_KEYS
    )
