"""`manage.py deliver_notices`: tell the topic of each new alert."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.management.base import FAILED, Failed
from dynamodb.errors import StoreError
from dynamodb.times import utc_now
from payments.notices import deliver_due, in_words
from payments.topic import topic

PAUSE_SECONDS = 10


class Command(BaseCommand):
    help = "Send a notice of each new alert to ALERT_SNS_TOPIC_ARN until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due now, and end")
        parser.add_argument(
            "--json", action="store_true", help="print the counts as one JSON object"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises ``Failed`` where notices are off, or do not go out and it runs ``--once``."""
        if not topic().arn:
            raise Failed("Notices are off: ALERT_SNS_TOPIC_ARN is not set.", returncode=FAILED)
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
        try:
            counts = deliver_due(at=utc_now())
        except StoreError as error:
            raise Failed(str(error), returncode=FAILED) from error
        if as_json or counts:
            words = f"Notices: {in_words(counts)}."
            self.stdout.write(json.dumps(counts) if as_json else words)
        if counts["failed"]:
            raise Failed("Notices do not go out.", returncode=FAILED)
