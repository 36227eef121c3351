"""`manage.py settle_pending`: let requests expire and scheduled transfers come due."""

import json
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand
from uuid_utils import uuid7

from audit import context
from audit.context import Context
from backoffice.management.base import FAILED, Failed
from dynamodb.errors import StoreError
from dynamodb.times import utc_now
from payments.settling import settle_due

PAUSE_SECONDS = 60


class Command(BaseCommand):
    help = "Settle what time does to pending payments, every minute until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="settle what is due now, and end")
        parser.add_argument(
            "--json", action="store_true", help="print the counts as one JSON object"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises ``Failed`` for trouble with the store, but only if it runs ``--once``."""
        if options["once"]:
            self._settle(as_json=options["json"])
            return
        try:
            while True:
                self._settle_or_say(as_json=options["json"])
                time.sleep(PAUSE_SECONDS)
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")

    def _settle_or_say(self, *, as_json: bool) -> None:
        """Settle; trouble with the store is said, and may be over in a minute."""
        try:
            self._settle(as_json=as_json)
        except Failed as error:
            self.stderr.write(f"{error} It is tried again in {PAUSE_SECONDS} seconds.")

    def _settle(self, *, as_json: bool) -> None:
        origin = Context(user_agent="manage.py settle_pending", request_id=str(uuid7()))
        try:
            with context.use(origin):
                counts = settle_due(at=utc_now())
        except StoreError as error:
            raise Failed(str(error), returncode=FAILED) from error
        self.stdout.write(json.dumps(counts) if as_json else _in_words(counts))
        if counts["damaged"]:
            raise Failed("Some records are damaged: the log names them.", returncode=FAILED)


def _in_words(counts: Counter[str]) -> str:
    told = [f"{number} {outcome.replace('_', ' ')}" for outcome, number in counts.items()]
    return f"Settled: {', '.join(told)}." if told else "Nothing was due."
