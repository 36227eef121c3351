"""`manage.py create_staff`: add a member of staff."""

import getpass
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission, Role
from backoffice.staff import queries, services
from backoffice.staff.refusals import NotAllowed, WeakPassword
from backoffice.staff.services import NewStaff

SETUP = Actor(id="system:setup")
"""Who adds the first member of staff, when there is nobody who could."""


class Command(OperatorCommand):
    help = (
        "Add a member of staff, who chooses another password at the first sign-in. "
        "The first one ever is an admin and needs no operator."
    )
    permission = Permission.MANAGE_STAFF

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument(
            "--role",
            action="append",
            required=True,
            dest="roles",
            choices=[role.value for role in Role],
            help="may be given more than once",
        )
        parser.add_argument("--full-name", default="")
        parser.add_argument("--email", default="")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the first password from stdin"
        )

    def actor(self, options: dict[str, Any], at: datetime) -> Actor:
        if options["operator"] or queries.is_anybody_there():
            return super().actor(options, at)
        if Role.ADMIN not in options["roles"]:
            raise NotAllowed("The first member of staff must be an admin, who can add the others.")
        return SETUP

    def act(self, call: Call) -> Done:
        new = NewStaff(
            username=call["username"],
            roles=[Role(role) for role in call["roles"]],
            password=_password(from_stdin=call["password_stdin"]),
            full_name=call["full_name"],
            email=call["email"],
            time_zone=call["time_zone"],
        )
        record = services.create_staff(new, actor=call.actor, at=call.at)
        roles = ", ".join(record.roles)
        return Done(
            sentence=f"{record.username} can sign in as {roles}.",
            data={"username": record.username, "roles": record.roles},
        )


def _password(*, from_stdin: bool) -> str:
    """The first password, from stdin's first line or typed twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    try:
        typed, again = getpass.getpass("Password: "), getpass.getpass("Password again: ")
    except EOFError:
        raise WeakPassword("Nobody typed a password: see --password-stdin.") from None
    if typed != again:
        raise WeakPassword("The two passwords differ.")
    return typed
