"""Staff as lists and reports show them."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from backoffice.permissions import Role, granted
from backoffice.staff.records import StaffRecord


@dataclass(frozen=True, kw_only=True)
class StaffRow:
    record: StaffRecord
    url: str
    state: str
    state_since: datetime | None
    roles: str
    roles_since: datetime | None
    factors: str
    may: list[str]


def staff_row(record: StaffRecord) -> StaffRow:
    roles = [role for role in Role if role in record.roles]
    return StaffRow(
        record=record,
        url=reverse("admin:staff_person", args=[record.username]),
        state="active" if record.is_active else "disabled",
        state_since=record.state_since or record.created_at,
        roles=", ".join(record.roles),
        roles_since=record.roles_since or record.created_at,
        factors=", ".join(record.factors or ()),
        may=sorted(granted(roles)) if record.is_active else [],
    )
