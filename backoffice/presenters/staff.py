"""Staff as lists and reports show them."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.permissions import Role, granted
from backoffice.staff.records import StaffRecord
from backoffice.wording import said

_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
"""What user agents name themselves by, the telling marks first: most of them name others too."""


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
        roles=said(record.roles),
        roles_since=record.roles_since or record.created_at,
        factors=said(record.factors or ()),
        may=sorted(granted(roles)) if record.is_active else [],
    )


def program(user_agent: str | None) -> str:
    """The browser and system that a user agent names, such as ``Firefox on Windows``."""
    told = user_agent or ""
    browser = next((name for mark, name in _BROWSERS.items() if mark in told), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in told), "")
    if browser and system:
        return _("{browser} on {system}").format(browser=browser, system=system)
    return browser or system or told[:60]
