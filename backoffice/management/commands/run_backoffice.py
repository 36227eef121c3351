"""`manage.py run_backoffice`, which is `make run`: engine, tables, demo data, server, worker."""

import http.client
import os
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from backoffice.management.serving import ServingCommand
from dynamodb import local

READY_SECONDS = 60.0
STOP_SECONDS = 25.0
"""Longer than the server gives the requests under way."""
DEMO_STAFF = "teller1, teller2, supervisor1, supervisor2, compliance1 or admin1"


class Command(ServingCommand):
    help = "Serve the back office on this machine until Ctrl-C, with the embedded engine."

    def serve(self, ends: ExitStack) -> None:
        if settings.DEVELOPMENT:
            call_command("seed_test_data", if_empty=True)
        server = _start_server(settings.PORT)
        ends.callback(_stop_process, server)
        _wait_until_ready(server, settings.PORT)
        ends.callback(_stop_process, _start_worker())
        self.say(
            f"The back office is at http://127.0.0.1:{settings.PORT}/ and Ctrl-C stops it.\n"
            f"Sign in as {DEMO_STAFF}; their password is DEMO_PASSWORD (see .env.example)."
        )
        self._watch_engine(server)
        raise CommandError(_ended_by_itself(server.wait()))

    def _watch_engine(self, server: subprocess.Popen[bytes]) -> None:
        """Say once that the engine has ended, each time it does, until the server ends."""
        was_up = settings.DYNAMODB_EMBEDDED
        while settings.DYNAMODB_EMBEDDED and server.poll() is None:
            is_up = local.find(settings.DYNAMODB_LOCAL_DIR) is not None
            if was_up and not is_up:
                self.stderr.write("DynamoDB Local has ended; `make dynamodb-up` starts it again.")
            was_up = is_up
            time.sleep(1)


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
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
    ):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    return False


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ended_by_itself(exit_code: int) -> str:
    return f"The server ended by itself with exit code {exit_code}; its own words stand above."
