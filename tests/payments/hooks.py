"""Receivers of webhooks on this machine, and consumers that may be killed."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dynamodb import client
from tests.engines import ROOT

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

CONSUMER = """
import os, sys, time
from dataclasses import replace
from datetime import timedelta
from dynamodb import client, streams
from dynamodb.settings import Settings
from dynamodb.times import utc_now
from payments.events import deliveries, receivers, relay
url, prefix = sys.argv[1:]
client.configure(Settings(endpoint_url=url, table_prefix=prefix, cursor_signing_key="a test's"))
receivers.configure(receivers.Receivers.from_environment(os.environ, is_development=True))
relay.RETRY_SECONDS, relay.STREAM_SECONDS = 0.5, 0.4
relay.LEASE, streams.EMPTY_PAGES = timedelta(seconds=1.2), 1
deliveries.FIRST_PAUSE = deliveries.LONGEST_PAUSE = timedelta(seconds=0.2)
deliveries.MOST_TRIES = 1000
print("ready", flush=True)
while True:
    relay.deliver_due(at=utc_now())
    time.sleep(0.1)
"""


def consumer(environment: dict[str, str]) -> subprocess.Popen[str]:
    """A process that delivers without end, ready once made."""
    settings = client.settings()
    process = subprocess.Popen(
        [sys.executable, "-c", CONSUMER, settings.endpoint_url, settings.table_prefix],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


class Hook:
    """What was posted, in order: headers in lower case, and bodies. ``answer`` gives the status."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[], int] = lambda: 204
        self.trickles = False
        self.lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        return {"EVENT_WEBHOOKS": f"shop={self.url}", "EVENT_WEBHOOK_SECRETS": f"shop={SECRET}"}

    def events(self) -> list[dict[str, Any]]:
        """Each event at its first arrival."""
        found = [json.loads(body) for _, body in list(self.posts)]
        return list({event["id"]: event for event in reversed(found)}.values())[::-1]

    def stories(self) -> dict[str, list[str]]:
        """What happened to each payment, in the order of first arrival."""
        told: dict[str, list[str]] = defaultdict(list)
        seen = set()
        for _, body in list(self.posts):
            event = json.loads(body)
            if event["id"] not in seen:
                seen.add(event["id"])
                told[event["data"]["id"]].append(event["type"].removeprefix("payment."))
        return dict(told)


@contextmanager
def hook() -> Iterator[Hook]:
    """A receiver on a free port, gone at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if taken.trickles:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(40):
                    self.wfile.write(b"X-More: x\r\n")
                    time.sleep(0.05)
            with taken.lock:
                status = taken.answer()
                if status == 204:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    taken.posts.append((headers, body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", taken.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken = Hook(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
