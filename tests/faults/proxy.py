"""The proxy `microburst` between client and engine: told what to spoil, asked what it spoiled."""

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dynamodb import local
from tests.faults.trouble import LATE_MS, Fault

READY_SECONDS = 30.0
HELD_SECONDS = LATE_MS / 1000 + 2
"""No request is held back for longer; an answer may be, which nobody waits for."""

# Ends once nobody holds the other end of its pipe, requests under way first: also after a run
# that was killed. Its log of fired faults is longer than any run.
PROGRAM = """
import os, signal, sys, threading
from aiohttp import web
from microburst.app import make_app
from microburst.core.pipeline import Microburst

def end_with_the_run():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_with_the_run, daemon=True).start()
app = make_app(Microburst(sys.argv[1], fired_capacity=1_000_000))
address = {"host": sys.argv[2], "port": int(sys.argv[3])}
web.run_app(app, **address, print=None, access_log=None, shutdown_timeout=float(sys.argv[4]))
"""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A running proxy. What is sent to ``url`` reaches the engine unless a fault says otherwise."""

    url: str
    process: subprocess.Popen[bytes]

    def spoil(self, faults: Sequence[Fault]) -> None:
        """From now on put in these faults, the first that fits a request, and no others."""
        self._ask("POST", "rules", [{"service": "dynamodb", **fault.rule} for fault in faults])

    def heal(self) -> None:
        self.spoil(())

    def unspent(self) -> int:
        """How many faults with a limit have not fired yet."""
        rules = self._ask("GET", "rules")
        return sum(rule["times"] - rule["fired_count"] for rule in rules if "times" in rule)

    def fired(self, faults: Sequence[Fault]) -> Counter[str]:
        """How often each kind has really fired since ``spoil``, by the proxy's own log."""
        rules = self._ask("GET", "rules")
        kinds = {rule["id"]: fault.kind for rule, fault in zip(rules, faults, strict=True)}
        log = self._ask("GET", "fired?limit=1000000")
        return Counter(kinds[event["rule_id"]] for event in log if event["rule_id"] in kinds)

    def drain(self) -> None:
        """End once every request that is still held back has reached the engine."""
        self.process.communicate(timeout=120)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, f"/_microburst/{path}", json.dumps(body))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        assert answer.status == http.client.OK, content
        return json.loads(content)


@contextmanager
def running_proxy(upstream: str) -> Iterator[Proxy]:
    """A proxy in front of an engine, with no faults yet."""
    port = local.free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, upstream, local.HOST, str(port), str(HELD_SECONDS)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    proxy = Proxy(url=f"http://{local.HOST}:{port}", process=process)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not local.answers(proxy.url):  # by the engine's answer, so all is loaded
            assert process.poll() is None, "the proxy ended at once"
            assert time.monotonic() < deadline, "the proxy does not answer"
            time.sleep(0.05)
        yield proxy
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
