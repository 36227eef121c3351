"""What the commands that serve something share: the engine, its tables, and a clean end."""

import signal
import time
from contextlib import ExitStack
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit.tables import make_tables
from dynamodb import local
from dynamodb.errors import StoreError
from dynamodb.times import utc_now

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PORT_SECONDS = 3.0
"""How long the server of a killed run may take to notice that and free the port."""


class ServingCommand(BaseCommand):
    """A command that serves until Ctrl-C, with the embedded engine if the settings name it.

    Subclasses write ``serve``; what they add to ``ends`` is undone in reverse order at the end.
    """

    requires_system_checks = []
    port_variable = "PORT"

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Give back control, as a success, when told to stop by Ctrl-C or SIGTERM."""
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, _stop)
        try:
            with ExitStack() as ends:
                self._require_port()
                self._start_engine(ends)
                self._prepare_tables()
                self.serve(ends)
        except _StopRequested:
            self.say("Stopped.")
        except (local.EngineError, StoreError) as error:
            raise CommandError(str(error)) from error

    def serve(self, ends: ExitStack) -> None:
        """Serve until a signal ends it."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    @property
    def port(self) -> int:
        number: int = getattr(settings, self.port_variable)
        return number

    def _require_port(self) -> None:
        deadline = time.monotonic() + PORT_SECONDS
        while not local.is_port_free(self.port):
            if time.monotonic() > deadline:
                words = "Port {} is in use by another program: end it or set {}."
                raise CommandError(words.format(self.port, self.port_variable))
            time.sleep(0.1)

    def _start_engine(self, ends: ExitStack) -> None:
        if settings.DYNAMODB_EMBEDDED:
            lease = local.start(settings.DYNAMODB_LOCAL_DIR, settings.DYNAMODB_LOCAL_PORT)
            ends.callback(self._release, lease)
            self.say(lease.how)

    def _prepare_tables(self) -> None:
        if settings.DYNAMODB_ENDPOINT_URL:
            local.require_transactions(settings.DYNAMODB_ENDPOINT_URL)
        reports = make_tables(at=utc_now())
        if created := sum(report.created for report in reports):
            self.say(f"Created {created} tables.")
        for difference in (text for report in reports for text in report.differences):
            self.stderr.write(difference)

    def _release(self, lease: local.Lease) -> None:
        if lease.release():
            self.say("DynamoDB Local has ended; its data is kept.")


def serve_figures() -> None:
    """Answer Prometheus at ``METRICS_ADDRESS``, if one is set."""
    if not settings.METRICS_ADDRESS:
        return
    from backoffice import metrics

    try:
        metrics.serve(settings.METRICS_ADDRESS)
    except OSError as error:
        raise CommandError(f"METRICS_ADDRESS {settings.METRICS_ADDRESS}: {error}") from error


class _StopRequested(BaseException):
    """Ctrl-C, SIGTERM or the end of the terminal."""


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in SIGNALS:  # the end is under way, and not to be interrupted
        signal.signal(number, signal.SIG_IGN)
    raise _StopRequested
