"""`manage.py unlock_staff`: let somebody sign in again whom failed attempts have locked out."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.management.base import Done, OperatorCommand
from backoffice.permissions import Permission
from backoffice.staff import managing


class Command(OperatorCommand):
    help = "Let somebody sign in again whom failed attempts have locked out; nobody does it alone."
    permission = Permission.MANAGE_STAFF

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)

    def act(self, *, actor: Actor, at: datetime, options: dict[str, Any]) -> Done:
        username = options["username"]
        managing.unlock_staff(username=username, reason=options["reason"], actor=actor, at=at)
        return Done(
            sentence=f"{username} can sign in again.",
            data={"username": username, "unlocked": True},
        )
