"""Both servers as operators meet them: told to end under load, their log, figures and traces."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_django import Settings
from uuid_utils import uuid7

from backoffice.permissions import Role
from dynamodb import client
from dynamodb.local import free_port
from payments.models import Payment, PaymentStatus
from tests.backoffice.people import a_member
from tests.bank import check_bank
from tests.builders import opened
from tests.engines import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]

PASSWORD = "secret-pass-word-2026!"
WRONG = "secret-wrong-guess"
TOKEN = "secret-token-" + "t" * 32
KEY = "secret-key"
SENT_BEFORE_THE_END = 20
WRITERS = 12


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Both servers on the test's own tables, in development: plain HTTP, named developers."""
    store = client.settings()
    added = {
        "DJANGO_DEBUG": "true",
        "PORT": str(free_port()),
        "SERVICE_PORT": str(free_port()),
        "DYNAMODB_ENDPOINT_URL": store.endpoint_url,
        "DYNAMODB_TABLE_PREFIX": store.table_prefix,
        "CURSOR_SIGNING_KEY": store.cursor_signing_key,
        "METRICS_TOKEN": TOKEN,
        "METRICS_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    for name, value in added.items():
        monkeypatch.setenv(name, value)
    return added


@contextlib.contextmanager
def served(log: Path, port: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, stderr=file, stdout=subprocess.DEVNULL, text=True
        )
        try:
            until(lambda: answers(port))
            yield process
        finally:
            process.kill()
            process.wait()


def answers(port: str) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", int(port))) == 0


def until(act: Callable[[], bool], seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not act():
        assert time.monotonic() < ends
        time.sleep(0.05)


def end_under_load(process: subprocess.Popen[str], send: Callable[[int], str]) -> dict[str, bool]:
    """Send all the time, end the server meanwhile; gives by payment whether it was answered."""
    answered: dict[str, bool] = {}

    def write(writer: int) -> None:
        while True:
            try:
                answered[send(writer)] = True
            except ConnectionError as error:
                answered[str(error)] = False
                return

    writers = [threading.Thread(target=write, args=[number]) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    until(lambda: len(answered) >= SENT_BEFORE_THE_END)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    for writer in writers:
        writer.join()
    return answered


def check_nothing_lost(answered: dict[str, bool]) -> None:
    """What was answered is there, and what is there was answered: nobody is left to guess."""
    kept = {payment.id for payment in Payment.scan() if payment.status == PaymentStatus.PROCESSED}
    told = {payment for payment, was_told in answered.items() if was_told}
    assert len(told) >= SENT_BEFORE_THE_END
    assert told - kept == set()
    assert {payment for payment in kept - told if payment in answered} == set()
    assert check_bank().faults == []


class Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Browser:
    def __init__(self, port: str, jar: CookieJar) -> None:
        self.base = f"http://127.0.0.1:{port}"
        cookies = urllib.request.HTTPCookieProcessor(jar)
        self.opener = urllib.request.build_opener(cookies, Stays)
        self.fields: dict[str, str] = {}

    def get(self, path: str, headers: dict[str, str] | None = None) -> str:
        asked = urllib.request.Request(self.base + path, headers=headers or {})  # noqa: S310 - ours
        with self.opener.open(asked, timeout=30) as answer:
            return str(answer.read().decode())

    def post(self, path: str, fields: dict[str, str]) -> str:
        """Fill the form at an address; gives where that leads, or the status."""
        page = self.get(path)
        self.fields = {
            name: found[1]
            for name in ("csrfmiddlewaretoken", "payment_id")
            if (found := re.search(rf'name="{name}" value="([^"]+)"', page))
        }
        data = urllib.parse.urlencode(self.fields | fields).encode()
        try:
            with self.opener.open(self.base + path, data, timeout=30) as answer:
                return str(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return str(error.headers.get("Location") or error.code)


def test_the_pages_end_when_their_transfers_are_answered(
    environment: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    a_member(username="teller", roles=[Role.TELLER], password=PASSWORD)
    accounts = [opened(f"a{number}", balance=100_000) for number in range(WRITERS + 1)]
    port, log = environment["PORT"], tmp_path / "log"
    gunicorn = ["-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    with (
        collecting(environment) as spans,
        served(log, port, *gunicorn, "--bind", f"127.0.0.1:{port}") as process,
    ):
        jar = CookieJar()
        browsers = [Browser(port, jar) for _ in range(WRITERS)]
        assert browsers[0].post("/admin/login/", {"username": "teller", "password": WRONG}) == "200"
        signed_in = {"username": "teller", "password": PASSWORD}
        assert browsers[0].post("/admin/login/", signed_in).endswith("/admin/")

        def send(writer: int) -> str:
            ends = {"from_account_id": accounts[writer].id, "to_account_id": accounts[-1].id}
            fields = {**ends, "amount": "1.00", "currency": "USD", "confirm": "yes"}
            return pay(browsers[writer], fields)

        send(0)
        check_figures(browsers[0])
        answered = end_under_load(process, send)
    check_nothing_lost(answered)
    check_log(log.read_text())
    check_spans(spans)


def pay(browser: Browser, fields: dict[str, str]) -> str:
    """Send the form of a transfer; raises ``ConnectionError`` with its id where no answer came."""
    browser.fields = {}
    try:
        where = browser.post("/admin/transfers/new/", fields)
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(browser.fields.get("payment_id", "").partition(":")[0]) from error
    assert "/admin/payments/" in where, where
    return where.split("/")[-2]


def check_figures(browser: Browser) -> None:
    """One page tells of all processes, to whoever knows the token."""
    for headers in ({}, {"Authorization": f"Bearer {TOKEN[:-1]}"}):
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            browser.get("/metrics", headers)
        refused.value.close()
    told = [browser.get("/metrics", {"Authorization": f"Bearer {TOKEN}"}) for _ in range(8)]
    transfers = 'payments_transfer_seconds_count{outcome="processed",way="asked"} 1.0'
    signed_in = 'backoffice_page_seconds_count{outcome="302",view="admin:login"} 1.0'
    for page in told:
        assert transfers in page
        assert signed_in in page
    for figure in (
        'dynamodb_call_seconds_count{operation="TransactWriteItems",outcome="ok"}',
        'dynamodb_requests_total{operation="TransactWriteItems"}',
        'dynamodb_capacity_units_total{operation="TransactWriteItems"}',
        'payments_alerts_waiting{state="open"} 0.0',
        "backoffice_jobs_open",
        "store_up 1.0",
    ):
        assert figure in told[0], figure


def check_log(text: str) -> None:
    """Every line is an event with its request and actor, and none has a secret."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"at", "level", "logger", "message", "request_id", "actor"} <= set.intersection(
        *(set(line) for line in lines)
    )
    told = [line for line in lines if line["message"] == "answered"]
    assert len({line["request_id"] for line in told}) == len(told)
    assert {line["actor"] for line in told} == {"", "teller"}
    assert {line["path"] for line in told} == {"/admin/login/", "/admin/transfers/new/"}
    for secret in ("secret", "csrfmiddlewaretoken", "sessionid", TOKEN):
        assert secret not in text


@contextlib.contextmanager
def collecting(environment: dict[str, str]) -> Iterator[list[Any]]:
    """A collector of OpenTelemetry that servers started inside send their spans to."""
    spans: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(sent).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever).start()
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
    try:
        yield spans
    finally:
        del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
        server.shutdown()
        server.server_close()


def check_spans(spans: list[Any]) -> None:
    pages = {span.span_id: span for span in spans if span.name == "POST admin:transfer_new"}
    calls = [span for span in spans if span.name == "DynamoDB TransactWriteItems"]
    assert pages
    assert [span for span in calls if span.parent_span_id in pages]


def test_the_service_ends_when_its_transfers_are_answered(
    environment: dict[str, str], tmp_path: Path
) -> None:
    accounts = [opened(f"a{number}", balance=100_000) for number in range(WRITERS + 1)]
    port, log = environment["SERVICE_PORT"], tmp_path / "log"

    def send(writer: int) -> str:
        ends = {"from_account_id": accounts[writer].id, "to_account_id": accounts[-1].id}
        body = {**ends, "amount": 100, "currency": "USD", "description": "secret-words"}
        headers = {"Authorization": "Bearer dev-shop", "Idempotency-Key": f"{KEY}{uuid7()}"}
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
        try:
            connection.request("POST", "/transfers", json.dumps(body), headers)
            answer = connection.getresponse()
            assert answer.status == 201
            return str(json.loads(answer.read())["id"])
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionError from error
        finally:
            connection.close()

    with served(log, port, "manage.py", "run_payment_service") as process:
        send(0)
        host, figures = environment["METRICS_ADDRESS"].split(":")
        connection = http.client.HTTPConnection(host, int(figures))
        connection.request("GET", "/metrics")
        told = connection.getresponse().read().decode()
        assert 'payments_transfer_seconds_count{outcome="processed",way="asked"} 1.0' in told
        answered = end_under_load(process, send)
    kept = {payment.id for payment in Payment.scan() if payment.requested_by == "api:shop"}
    assert len(kept) == sum(answered.values()) + 1
    check_nothing_lost(answered)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {(line["actor"], line["status"]) for line in lines} == {("api:shop", 201)}
    assert "secret" not in log.read_text()
