"""`make run-payment-service` as programs meet it, in development and in production."""

import ctypes
import http.client
import json
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from dynamodb import local
from tests.backoffice.runs import running

pytestmark = [pytest.mark.integration, pytest.mark.processes]

COMMAND = "run_payment_service"


def ask(environment: dict[str, str], path: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", int(environment["SERVICE_PORT"]))
    connection.request("GET", path, headers={"Authorization": "Bearer dev-shop"})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@pytest.mark.parametrize(("debug", "status"), [("true", 200), ("false", 401)])
def test_up_and_cleanly_down(environment: dict[str, str], debug: str, status: int) -> None:
    environment["DJANGO_DEBUG"] = debug
    with running(environment, COMMAND) as run:
        run.until_ready()
        assert ask(environment, "/health") == (200, {"status": "ok"})
        assert ask(environment, "/customers/c/payments")[0] == status
        assert run.until_end(signal.SIGTERM) == 0
    assert run.said.endswith("DynamoDB Local has ended; its data is kept.\nStopped.\n")
    assert local.is_port_free(int(environment["SERVICE_PORT"]))


def test_a_signal_that_another_thread_catches_ends_it_all_the_same(
    environment: dict[str, str],
) -> None:
    """Under load the kernel hands a signal to whichever thread is first to start another."""
    with running(environment, COMMAND) as run:
        process = run.until_ready().process.pid
        newest = max(int(thread.name) for thread in Path(f"/proc/{process}/task").iterdir())
        assert newest != process
        assert ctypes.CDLL(None).tgkill(process, newest, signal.SIGTERM) == 0
        assert run.until_end() == 0


def test_a_port_in_use_is_one_sentence(environment: dict[str, str]) -> None:
    taken = socket.create_server(("127.0.0.1", int(environment["SERVICE_PORT"])))
    with taken, running(environment, COMMAND) as run:
        assert run.until_end() == 1
    assert "in use by another program: end it or set SERVICE_PORT." in run.said
    assert local.find(Path(environment["DYNAMODB_LOCAL_DIR"])) is None
