"""`manage.py unlock_staff`: let somebody sign in again whom failed attempts have locked out."""

from argparse import ArgumentParser

from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission
from backoffice.staff import managing


class Command(OperatorCommand):
    help = "Let somebody sign in again whom failed attempts have locked out; nobody does it alone."
    permission = Permission.MANAGE_STAFF

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)

    def act(self, call: Call) -> Done:
        username = call["username"]
        managing.unlock_staff(
            username=username, reason=call["reason"], actor=call.actor, at=call.at
        )
        return Done(
            sentence=f"{username} can sign in again.",
            data={"username": username, "unlocked": True},
        )
