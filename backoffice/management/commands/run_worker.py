"""`manage.py run_worker`: background jobs and what is due by the clock."""

import signal
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.jobs.worker import Worker
from backoffice.management.base import Failed
from backoffice.management.parent import end_with_parent
from backoffice.management.serving import serve_figures
from dynamodb.errors import StoreError


class Command(BaseCommand):
    help = "Do background jobs and what is due by the clock until Ctrl-C; run as many as you like."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, and end")
        parser.add_argument(
            "--parent", type=int, metavar="PID", help="end when this parent of it has ended"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises ``Failed`` where the store cannot be reached, but only with ``--once``."""
        worker = Worker(say=self._say)
        if options["once"]:
            try:
                worker.run_once()
            except StoreError as error:
                raise Failed(str(error)) from error
            return

        def stop(_number: int, _frame: FrameType | None) -> None:
            worker.stopping.set()

        serve_figures()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        if options["parent"]:
            end_with_parent(options["parent"])
        worker.run()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
