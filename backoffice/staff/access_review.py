"""Who may do what, since when and last used: one list of everybody, and its sign-offs.

A sign-off is an entry of the chain ``reviews:access`` with the hash of exactly the list signed.
The list itself is kept under that hash, so that it can be shown to be the one years later.
"""

import base64
import hashlib
import json
import zlib
from datetime import datetime
from typing import Any

from audit import queries as trail_queries
from audit import trail
from audit.context import Actor
from audit.models import AuditLog
from audit.trail import Event
from backoffice.permissions import Role, granted
from backoffice.staff import queries
from backoffice.staff.records import SignedList, StaffRecord
from backoffice.staff.refusals import ListChanged
from dynamodb import store
from dynamodb.pages import Page
from dynamodb.times import to_rfc3339

CHAIN = "reviews:access"
_LAST_USED = "last_sign_in"


def rights(record: StaffRecord) -> dict[str, Any]:
    """A line of the list. A session lasts 12 hours at most, so its last use lies within those."""
    roles = [role for role in Role if role in record.roles]
    return {
        "username": record.username,
        "full_name": record.full_name or "",
        "is_active": record.is_active,
        "state_since": _text(record.state_since or record.created_at),
        "roles": sorted(record.roles),
        "roles_since": _text(record.roles_since or record.created_at),
        "may": sorted(granted(roles)) if record.is_active else [],
        "second_factors": record.factors or [],
        _LAST_USED: _text(record.last_login),
    }


def as_file(records: list[StaffRecord]) -> str:
    """The list as JSON Lines, byte for byte what is hashed and kept."""
    return "".join(f"{_json(rights(record))}\n" for record in records)


def seen_digest(records: list[StaffRecord]) -> str:
    """A digest of everything but the last use, which goes on while somebody reads."""
    lines = (
        {name: value for name, value in rights(each).items() if name != _LAST_USED}
        for each in records
    )
    return _digest("".join(map(_json, lines)))


def sign(*, seen: str, note: str, actor: Actor, at: datetime) -> str:
    """Sign the list as it stands and return its hash.

    Raises ``ListChanged`` where somebody's rights are not as the signer has ``seen`` them.
    """
    records = list(queries.everybody())
    if seen_digest(records) != seen:
        raise ListChanged
    body = as_file(records)
    store.put(SignedList(list_hash=_digest(body), body=_packed(body)))
    event = Event(entity_id=CHAIN, entity_type="review", action="access_review.signed", actor=actor)
    values = {"list_hash": _digest(body), "people": len(records), "note": note}
    trail.note(event, at=at, values={name: value for name, value in values.items() if value})
    return _digest(body)


def sign_offs(*, person: str, cursor: str = "") -> Page[AuditLog]:
    """Past sign-offs, newest first."""
    return trail_queries.chain_page(CHAIN, person=person, cursor=cursor)


def signed_list(list_hash: str) -> str | None:
    """The list that was signed under a hash; ``None`` where there is none that fits it."""
    kept = store.get(SignedList(list_hash=list_hash))
    body = zlib.decompress(base64.b64decode(kept.body)).decode() if kept else ""
    return body if _digest(body) == list_hash else None


def _packed(body: str) -> str:
    """A list as it is kept: some thousands of people in the 400 KB that a record may have."""
    return base64.b64encode(zlib.compress(body.encode())).decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _text(at: Any) -> str:
    return to_rfc3339(at) if isinstance(at, datetime) else str(at or "")
