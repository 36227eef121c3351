"""`manage.py run_backoffice`, which is `make run`: engine, tables, demo data, server, worker."""

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from audit.tables import make_tables
from dynamodb import local
from dynamodb.errors import StoreError
from dynamodb.times import utc_now

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PORT_SECONDS = 3.0
"""How long the server of a killed run may take to notice that and free the port."""
READY_SECONDS = 60.0
STOP_SECONDS = 15.0
"""Longer than the server gives the requests under way."""
DEMO_STAFF = "teller1, teller2, supervisor1, supervisor2, compliance1 or admin1"


class Command(BaseCommand):
    help = "Serve the back office on this machine until Ctrl-C, with the embedded engine."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Give back control, as a success, when told to stop by Ctrl-C or SIGTERM."""
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, _stop)
        try:
            with ExitStack() as ends:
                self._serve(ends)
        except _StopRequested:
            self._say("Stopped.")
        except (local.EngineError, StoreError) as error:
            raise CommandError(str(error)) from error

    def _serve(self, ends: ExitStack) -> None:
        _require_port(settings.PORT)
        if settings.DYNAMODB_EMBEDDED:
            lease = local.start(settings.DYNAMODB_LOCAL_DIR, settings.DYNAMODB_LOCAL_PORT)
            ends.callback(self._release, lease)
            self._say(lease.how)
        self._prepare_store()
        server = _start_server(settings.PORT)
        ends.callback(_stop_process, server)
        _wait_until_ready(server, settings.PORT)
        ends.callback(_stop_process, _start_worker())
        self._say(
            f"The back office is at http://127.0.0.1:{settings.PORT}/ and Ctrl-C stops it.\n"
            f"Sign in as {DEMO_STAFF}; their password is DEMO_PASSWORD (see .env.example)."
        )
        raise CommandError(_ended_by_itself(server.wait()))

    def _prepare_store(self) -> None:
        if settings.DYNAMODB_ENDPOINT_URL:
            local.require_transactions(settings.DYNAMODB_ENDPOINT_URL)
        reports = make_tables(at=utc_now())
        if created := sum(report.created for report in reports):
            self._say(f"Created {created} tables.")
        for difference in (text for report in reports for text in report.differences):
            self.stderr.write(difference)
        if settings.DEVELOPMENT:
            call_command("seed_test_data", if_empty=True)

    def _release(self, lease: local.Lease) -> None:
        if lease.release():
            self._say("DynamoDB Local has ended; its data is kept.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


class _StopRequested(BaseException):
    """Ctrl-C, SIGTERM or the end of the terminal."""


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in SIGNALS:  # the end is under way, and not to be interrupted
        signal.signal(number, signal.SIG_IGN)
    raise _StopRequested


def _require_port(port: int) -> None:
    deadline = time.monotonic() + PORT_SECONDS
    while not local.is_port_free(port):
        if time.monotonic() > deadline:
            raise CommandError(f"Port {port} is in use by another program: end it or set PORT.")
        time.sleep(0.1)


def _start_server(port: int) -> subprocess.Popen[bytes]:
    """Start gunicorn in a session of its own, so that Ctrl-C lets it finish its requests."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    return subprocess.Popen(  # noqa: S603 - our own words
        [*gunicorn, "--bind", f"127.0.0.1:{port}"], cwd=settings.BASE_DIR, start_new_session=True
    )


def _start_worker() -> subprocess.Popen[bytes]:
    """Start the worker in a session of its own, so that Ctrl-C lets it give back its job."""
    worker = [sys.executable, "manage.py", "run_worker", "--parent", str(os.getpid())]
    return subprocess.Popen(worker, cwd=settings.BASE_DIR, start_new_session=True)  # noqa: S603 - our own words


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_serving(port):
        if server.poll() is not None:
            raise CommandError(_ended_by_itself(server.returncode))
        if time.monotonic() > deadline:
            raise CommandError(f"The server does not answer on port {port}.")
        time.sleep(0.1)


def _is_serving(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ended_by_itself(exit_code: int) -> str:
    return f"The server ended by itself with exit code {exit_code}; its own words stand above."
