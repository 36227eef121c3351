"""`make run` as people meet it: up, Ctrl-C, killed, up again, and what stands in its way."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamodb import local
from tests.engines import ROOT

pytestmark = pytest.mark.integration

READY = "and Ctrl-C stops it."


class Run:
    """One `run_backoffice` in a session of its own, with what it said so far."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run_backoffice"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until_ready(self) -> "Run":
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if READY in line:
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
def running(environment: dict[str, str]) -> Iterator[Run]:
    run = Run(environment)
    try:
        yield run
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.until_end()


def status_of(environment: dict[str, str], address: str) -> int:
    url = f"http://127.0.0.1:{environment['PORT']}{address}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def engine_of(environment: dict[str, str]) -> local.Engine | None:
    return local.find(Path(environment["DYNAMODB_LOCAL_DIR"]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_and_cleanly_down(environment: dict[str, str], number: signal.Signals) -> None:
    with running(environment) as run:
        run.until_ready()
        assert status_of(environment, "/readyz") == 200
        assert run.until_end(number) == 0
    assert run.said.endswith("DynamoDB Local has ended; its data is kept.\nStopped.\n")
    assert "Created" in run.said
    assert engine_of(environment) is None
    assert local.is_port_free(int(environment["PORT"]))


def test_the_engine_of_a_killed_run_is_used_again(environment: dict[str, str]) -> None:
    with running(environment) as killed:
        killed.until_ready().kill()
    left = engine_of(environment)
    assert left is not None
    began = time.monotonic()
    with running(environment) as run:
        run.until_ready()
        assert time.monotonic() - began < 10
        assert "A killed run left DynamoDB Local" in run.said
        assert "Created" not in run.said
        assert engine_of(environment) == left
        assert run.until_end(signal.SIGINT) == 0
    assert engine_of(environment) is None


def test_an_engine_that_was_there_before_stays(environment: dict[str, str]) -> None:
    folder, port = Path(environment["DYNAMODB_LOCAL_DIR"]), int(environment["DYNAMODB_LOCAL_PORT"])
    local.start(folder, port, keep=True).release()
    with running(environment) as run:
        run.until_ready()
        assert "already runs" in run.said
        assert run.until_end(signal.SIGINT) == 0
    assert engine_of(environment) is not None


def test_a_port_in_use_is_one_sentence_and_starts_no_engine(environment: dict[str, str]) -> None:
    with (
        socket.create_server(("127.0.0.1", int(environment["PORT"]))),
        running(environment) as run,
    ):
        assert run.until_end() == 1
    sentence = f"Port {environment['PORT']} is in use by another program: end it or set PORT."
    assert run.said == f"CommandError: {sentence}\n"
    assert engine_of(environment) is None


def test_nobody_at_a_foreign_endpoint_is_one_sentence(environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{local.free_port()}"
    with running(environment | {"DYNAMODB_ENDPOINT_URL": url}) as run:
        assert run.until_end() == 1
    assert run.said == f"CommandError: Nothing that speaks DynamoDB answers at {url}.\n"
