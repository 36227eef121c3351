"""What serves, run as people run it: up, told to stop, killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dynamodb import client, local
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


def on_these_tables() -> dict[str, str]:
    """Ports of a test's own on the tables it uses; in development: plain HTTP, named developers."""
    store = client.settings()
    return {
        "DJANGO_DEBUG": "true",
        "PORT": str(local.free_port()),
        "SERVICE_PORT": str(local.free_port()),
        "DYNAMODB_ENDPOINT_URL": store.endpoint_url,
        "DYNAMODB_TABLE_PREFIX": store.table_prefix,
        "CURSOR_SIGNING_KEY": store.cursor_signing_key,
    }


@contextlib.contextmanager
def served(
    environment: dict[str, str], log: Path, port: str, *words: str
) -> Iterator[subprocess.Popen[str]]:
    """A server that logs to a file, from when its port answers; it is told to end afterwards."""
    with (
        log.open("w") as file,
        subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=os.environ | environment,
            stderr=file,
            stdout=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        try:
            until(lambda: _answers(port), seconds=60)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            finally:
                process.kill()


def _answers(port: str) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", int(port))) == 0


def until(act: Callable[[], bool], seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not act():
        assert time.monotonic() < ends
        time.sleep(0.05)
