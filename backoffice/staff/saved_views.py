"""Lists that somebody wants to see again: names for addresses, kept with the person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.staff import services
from backoffice.staff.records import StaffRecord
from payments.refusals import Refusal

MOST = 20
NAME_LENGTH, ADDRESS_LENGTH = 40, 500


class TooManyViews(Refusal):
    code = "too_many_views"
    sentence = f"You have saved {MOST} views already. Remove one first."


def views_of(record: StaffRecord, path: str = "") -> list[tuple[str, str]]:
    """Name and address of the views that somebody has saved, of one list or of all."""
    kept = (text.split("\t", 1) for text in record.saved_views or ())
    return [(name, address) for address, name in kept if path in ("", address.partition("?")[0])]


def save_view(*, name: str, address: str, actor: Actor, at: datetime) -> None:
    """Keep an address under a name, in place of what had the name in the same list.

    Without a name the view of the address is removed. Raises ``TooManyViews``.
    """
    path = address.partition("?")[0]

    def saved(record: StaffRecord) -> Mapping[str, Any]:
        kept = [
            text for text in record.saved_views or ()
            if not _is_in_the_way(text, path, address, name)
        ]  # fmt: skip
        if name:
            kept.append(f"{address}\t{name}")
        if len(kept) > MOST:
            raise TooManyViews
        return {"saved_views": kept or None}

    event = services.staff_event(actor.id, "staff.views_changed", actor)
    services.change_staff(actor.id, saved, event, at=at)


def _is_in_the_way(text: str, path: str, address: str, name: str) -> bool:
    kept, called = text.split("\t", 1)
    return kept == address or (called == name and kept.partition("?")[0] == path)
