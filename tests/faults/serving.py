"""A process of its own that runs transfers: asked by line, answers by line, may be killed."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from dynamodb import client
from dynamodb.settings import Settings
from tests.engines import ROOT
from tests.faults.asks import WRITERS, Ask, Notebook
from tests.faults.ways import Order, by_service

READY = "ready\n"
WAIT_SECONDS = 60.0
PROGRAM = "import django; django.setup(); from tests.faults.serving import serve; serve()"


class Server:
    """A child process with 16 writers, ready once made. It ends when this process does."""

    def __init__(self, notebook: Notebook, endpoint_url: str) -> None:
        self.notebook = notebook
        self._asked: dict[str, Order] = {}
        self._changed = threading.Condition()
        prefix = client.settings().table_prefix
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, endpoint_url, prefix],
            cwd=ROOT,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "backoffice.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == READY
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def ask(self, order: Order) -> None:
        assert self._process.stdin is not None
        with self._changed:
            self._asked[order.name] = order
        self._process.stdin.write(order.to_json() + "\n")
        self._process.stdin.flush()

    def wait_until_left(self, unanswered: int) -> None:
        """Wait until no more than so many orders are unanswered."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._asked) <= unanswered, WAIT_SECONDS)

    def kill(self) -> list[Order]:
        """End it at once, as `kill -9` does; gives what it has not answered."""
        self._process.kill()
        return self._end()

    def close(self) -> list[Order]:
        """Let it answer what it was asked, and end; gives what it has not answered even so."""
        return self._end()

    def _end(self) -> list[Order]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(timeout=WAIT_SECONDS)
        self._reader.join()
        self._process.stdout.close()
        return list(self._asked.values())

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):
                name, answer, seconds, *wrong = json.loads(line)
                with self._changed:
                    self.notebook.wrong += wrong
                    self.notebook.note(name, answer, seconds)
                    self._asked.pop(name, None)
                    self._changed.notify_all()


def serve() -> None:
    """Be the child: answer each order on a line with its name, the answer and its seconds."""
    endpoint_url, table_prefix = sys.argv[1:]
    client.configure(
        Settings(
            endpoint_url=endpoint_url, table_prefix=table_prefix, cursor_signing_key="a test's own"
        )
    )
    sys.stdout.write(READY)
    sys.stdout.flush()
    with ThreadPoolExecutor(WRITERS) as pool:
        for line in sys.stdin:
            pool.submit(_answer, by_service(Order.from_json(line)))


def _answer(ask: Ask) -> None:
    notebook = Notebook()
    answer = notebook.ask(ask)
    sys.stdout.write(
        json.dumps([ask.name, answer, notebook.longest_seconds, *notebook.wrong]) + "\n"
    )
    sys.stdout.flush()
