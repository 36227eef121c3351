"""Commands that serve, run as people run them: up, told to stop, killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamodb import local
from tests.engines import ROOT

READY = "and Ctrl-C stops it."


class Run:
    """One command in a session of its own, with what it said so far."""

    def __init__(self, environment: dict[str, str], command: str) -> None:
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until_ready(self) -> "Run":
        return self.until(READY)

    def until(self, words: str) -> "Run":
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return self
        pytest.fail(self.said)

    def until_end(self, number: signal.Signals | None = None) -> int:
        if number is not None:
            self.process.send_signal(number)
        assert self.process.stdout
        if not self.process.stdout.closed:
            self.said += self.process.communicate(timeout=60)[0]
        return self.process.returncode

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.until_end()


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Ports and a folder of this test's own; production's settings, so no demo data."""
    port = local.free_port()
    yield os.environ | {
        "PORT": str(local.free_port()),
        "SERVICE_PORT": str(local.free_port()),
        "DYNAMODB_LOCAL_PORT": str(port),
        "DYNAMODB_LOCAL_DIR": str(tmp_path / "data"),
        "DYNAMODB_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "DJANGO_DEBUG": "false",
        "DJANGO_SECRET_KEY": "s" * 50,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "CURSOR_SIGNING_KEY": "c" * 50,
        "MFA_SEED_KEY": "m" * 50,
    }
    local.stop(tmp_path / "data")


@contextlib.contextmanager
def running(environment: dict[str, str], command: str = "run_backoffice") -> Iterator[Run]:
    run = Run(environment, command)
    try:
        yield run
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.until_end()
