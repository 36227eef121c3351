"""`manage.py deliver_events`: tell other systems of alerts and payments."""

import json
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.management.base import FAILED, Failed
from dynamodb.times import utc_now
from payments.delivering import deliver_due, in_words
from payments.receivers import receivers

PAUSE_SECONDS = 10


class Command(BaseCommand):
    help = "Send events of alerts and payments to every receiver until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due now, and end")
        parser.add_argument(
            "--json", action="store_true", help="print the counts as one JSON object"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises ``Failed`` without a receiver, and with ``--once`` where one takes nothing."""
        if not receivers().everybody:
            raise Failed("Events are off: no receiver is set.", returncode=FAILED)
        if options["once"]:
            self._deliver(as_json=options["json"])
            return
        try:
            while True:
                try:
                    self._deliver(as_json=options["json"])
                except Failed as error:
                    self.stderr.write(f"{error} It is tried again in {PAUSE_SECONDS} seconds.")
                time.sleep(PAUSE_SECONDS)
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")

    def _deliver(self, *, as_json: bool) -> None:
        counts = deliver_due(at=utc_now())
        if as_json or counts:
            words = f"Events: {in_words(counts)}."
            self.stdout.write(json.dumps(counts) if as_json else words)
        if counts - Counter(sent=counts["sent"]):
            raise Failed("Not everything has arrived.", returncode=FAILED)
