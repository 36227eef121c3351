"""Both servers as operators meet them: told to end under load, their log, figures and traces."""

import contextlib
import http.client
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_django import Settings
from uuid_utils import uuid7

from backoffice.permissions import Role
from dynamodb.local import free_port
from payments.models import Payment, PaymentStatus
from tests.backoffice.browsing import SIGN_IN, Browser
from tests.backoffice.people import a_member
from tests.backoffice.runs import on_these_tables, served, until
from tests.bank import check_bank
from tests.builders import opened

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]

PASSWORD = "secret-pass-word-2026!"
WRONG = "secret-wrong-guess"
TOKEN = "secret-token-" + "t" * 32
KEY = "secret-key"
NEW = "/admin/transfers/new/"
SENT_BEFORE_THE_END = 20
WRITERS = 12


@pytest.fixture
def environment() -> dict[str, str]:
    address = f"127.0.0.1:{free_port()}"
    return on_these_tables() | {"METRICS_TOKEN": TOKEN, "METRICS_ADDRESS": address}


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
        served(environment, log, port, *gunicorn, "--bind", f"127.0.0.1:{port}") as process,
    ):
        browser = Browser(port)
        assert browser.sign_in("teller", WRONG).status_code == 200
        assert browser.sign_in("teller", PASSWORD).headers["Location"] == "/admin/"

        def send(writer: int) -> str:
            ends = {"from_account_id": accounts[writer].id, "to_account_id": accounts[-1].id}
            fields = {**ends, "amount": "1.00", "currency": "USD", "confirm": "yes"}
            return pay(browser, fields)

        send(0)
        check_figures(browser)
        answered = end_under_load(process, send)
    check_nothing_lost(answered)
    check_log(log.read_text())
    check_spans(spans)


def pay(browser: Browser, fields: dict[str, str]) -> str:
    """Send the form of a transfer; raises ``ConnectionError`` with its id where no answer came."""
    form = {"payment_id": ""}
    try:
        form = browser.form(NEW, "payment_id")
        where = browser.post(NEW, form | fields).headers["Location"]
    except OSError as error:
        raise ConnectionError(form["payment_id"].partition(":")[0]) from error
    assert "/admin/payments/" in where, where
    return where.split("/")[-2]


def check_figures(browser: Browser) -> None:
    """One page tells of all processes, to whoever knows the token."""
    for headers in ({}, {"Authorization": f"Bearer {TOKEN[:-1]}"}):
        assert browser.get("/metrics", headers).status_code == 401
    told = [browser.get("/metrics", {"Authorization": f"Bearer {TOKEN}"}).text for _ in range(8)]
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
    assert {line["path"] for line in told} == {SIGN_IN, NEW}
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
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
    try:
        yield spans
    finally:
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

    with served(environment, log, port, "manage.py", "run_payment_service") as process:
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
