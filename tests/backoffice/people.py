"""Builders of staff."""

from collections.abc import Collection
from datetime import UTC, datetime

from audit import queries
from audit.context import Actor
from audit.models import AuditLog
from backoffice.permissions import Role
from backoffice.staff import managing, services
from backoffice.staff.models import Staff
from backoffice.staff.services import NewStaff

PASSWORD = "a-long-enough-2026!"
AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SETUP = Actor(id="system:setup")


def a_member(
    *,
    username: str = "someone",
    roles: Collection[Role] = (Role.TELLER,),
    password: str = PASSWORD,
    time_zone: str = "UTC",
    first_password_stays: bool = True,
) -> Staff:
    new = NewStaff(
        username=username,
        roles=roles,
        password=password,
        full_name=f"{username.title()} Example",
        time_zone=time_zone,
        first_password_stays=first_password_stays,
    )
    return Staff.of(services.create_staff(new, actor=SETUP, at=AT))


def deactivated(username: str) -> None:
    managing.disable_staff(username=username, reason="Has left", actor=SETUP, at=AT)


def chain(entity_id: str) -> list[AuditLog]:
    """An entity's entries, newest first."""
    return queries.chain_page(entity_id, person="a test").rows
