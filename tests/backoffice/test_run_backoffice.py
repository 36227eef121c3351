"""`make run` as people meet it: up, Ctrl-C, killed, up again, and what stands in its way."""

import contextlib
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from dynamodb import local
from tests.backoffice.runs import Run, running

pytestmark = [pytest.mark.integration, pytest.mark.processes]


def status_of(environment: dict[str, str], address: str) -> int:
    url = f"http://127.0.0.1:{environment['PORT']}{address}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def workers_of(run: Run) -> list[int]:
    """The background workers that a run has started and that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"run_worker" in words and str(run.process.pid).encode() in words:
                found.append(int(process.name))
    return found


def engine_of(environment: dict[str, str]) -> local.Engine | None:
    return local.find(Path(environment["DYNAMODB_LOCAL_DIR"]))


def test_up_and_cleanly_down(environment: dict[str, str]) -> None:
    with running(environment) as run:
        run.until_ready()
        assert status_of(environment, "/readyz") == 200
        assert len(workers_of(run)) == 1
        assert run.until_end(signal.SIGTERM) == 0
        assert workers_of(run) == []
    assert run.said.endswith("DynamoDB Local has ended; its data is kept.\nStopped.\n")
    assert "Created" in run.said
    assert engine_of(environment) is None
    assert local.is_port_free(int(environment["PORT"]))


def test_the_engine_of_a_killed_run_is_used_again(environment: dict[str, str]) -> None:
    with running(environment) as killed:
        killed.until_ready().kill()
    assert workers_of(killed) == []
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


def test_an_engine_that_ends_meanwhile_is_said_and_can_be_started_again(
    environment: dict[str, str],
) -> None:
    folder, port = Path(environment["DYNAMODB_LOCAL_DIR"]), int(environment["DYNAMODB_LOCAL_PORT"])
    with running(environment) as run:
        run.until_ready()
        assert local.stop(folder)
        run.until("`make dynamodb-up` starts it again.")
        local.start(folder, port, keep=True).release()
        assert status_of(environment, "/readyz") == 200
        assert run.until_end(signal.SIGINT) == 0


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
