"""`manage.py restore_tables`: all tables as they stood at a moment, beside those in use."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime

from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission
from dynamodb.restores import restore_tables
from dynamodb.times import to_rfc3339


class Command(OperatorCommand):
    help = "Copy all tables as they stood at a moment, under another prefix; on AWS."
    permission = Permission.MAINTAIN_RECORDS

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prefix", required=True, help="what the copies' names begin with")
        parser.add_argument(
            "--time", required=True, type=_moment, help="such as 2026-01-31T12:00:00Z"
        )

    def act(self, call: Call) -> Done:
        prefix, to = call["prefix"], call["time"]
        names = restore_tables(prefix, to=to)
        sentence = f"{len(names)} tables as of {to_rfc3339(to)}: DYNAMODB_TABLE_PREFIX={prefix}"
        return Done(sentence=sentence, data={"tables": names, "time": to_rfc3339(to)})


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - no time at all
    if moment.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} is not a time such as 2026-01-31T12:00:00Z")
    return moment
