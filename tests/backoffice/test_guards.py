"""What every answer carries, how much may be sent, and what a line of the log can hold."""

import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from backoffice.permissions import Role
from dynamodb import client as store_client
from dynamodb.local import is_port_free
from dynamodb.settings import Settings as StoreSettings
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import fresh
from tests.engines import ROOT

MB = 2**20
POST = "/admin/transfers/new/"


def check_headers(headers: object, *, may_be_kept: bool = False) -> None:
    policy = headers["Content-Security-Policy"]  # type: ignore[index]  # Django's or http.client's
    assert "unsafe" not in policy
    for directive in (
        "default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
        "object-src 'none'",
    ):  # fmt: skip
        assert directive in policy
    assert headers["X-Content-Type-Options"] == "nosniff"  # type: ignore[index]
    assert headers["X-Frame-Options"] == "DENY"  # type: ignore[index]
    assert headers["Referrer-Policy"] == "same-origin"  # type: ignore[index]
    assert headers["X-Request-ID"]  # type: ignore[index]
    assert may_be_kept or "no-store" in headers["Cache-Control"]  # type: ignore[index]


def test_every_kind_of_answer_carries_the_guarding_headers(
    signed_in: SignIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_HSTS_SECONDS = 60
    client, strict = signed_in(Role.TELLER), Client(enforce_csrf_checks=True)
    client.raise_request_exception = False
    form = {"payment_id": fresh(client, POST, "payment_id")}
    answers = {
        200: client.get("/admin/", secure=True),
        302: Client().get("/admin/", secure=True),
        400: client.get("/admin/accounts/?cursor=nonsense", secure=True),
        403: client.get("/admin/audit/", secure=True),
        404: client.get("/admin/nowhere/", secure=True),
        405: client.get("/admin/logout/", secure=True),
        413: client.post(POST, {"description": "x" * 3 * MB}, secure=True),
        422: client.post(POST, form, secure=True),
    }
    others = [
        client.get("/admin/", headers={"host": "elsewhere.example"}, secure=True),
        strict.post("/admin/login/", {"username": "x"}, secure=True),
        client.get("/", secure=True),
        client.get("/healthz", secure=True),
    ]

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("audit.queries.recent", broken)
        answers[500] = client.get("/admin/", secure=True)
    static = client.get("/static/backoffice/backoffice.css", secure=True)
    store_client.configure(StoreSettings(endpoint_url="http://127.0.0.1:9", cursor_signing_key="x"))
    logging.disable(logging.CRITICAL)
    answers[503] = client.get("/admin/", secure=True)
    logging.disable(logging.NOTSET)
    assert [answer.status_code for answer in answers.values()] == list(answers)
    for answer in [*answers.values(), *others]:
        check_headers(answer.headers)
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=60")
    check_headers(static.headers, may_be_kept=True)
    static.close()


@pytest.mark.usefixtures("moto_store")
@pytest.mark.parametrize(
    ("address", "size", "status"),
    [
        (POST, 2 * MB + 1, 413),
        (POST, 2 * MB - 1000, 302),
        ("/admin/bulk/", 20 * MB + 1, 413),
        ("/admin/bulk/x/", 2 * MB + 1, 404),
    ],
)
def test_the_upload_address_alone_takes_more(address: str, size: int, status: int) -> None:
    body = b"x" * size
    answer = Client().post(address, body, content_type="application/octet-stream")
    assert answer.status_code in ({status, 302, 404} if status != 413 else {413})
    if status == 413:
        assert f"At most {20 if 'bulk' in address else 2} MB" in answer.content.decode()


def event_formatter() -> logging.Formatter:
    made = dict(configured.LOGGING["formatters"]["event"])
    formatter: logging.Formatter = made.pop("()")(**made)
    return formatter


def test_a_line_of_the_log_is_one_object_whatever_was_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hostile = 'x\n{"level": "INFO"}\r\x1b[2J\u2028\x00'
    try:
        int(hostile)
    except ValueError:
        logging.getLogger("some").exception("path %s", hostile, extra={"more": hostile})
    line = event_formatter().format(caplog.records[0])
    assert line.isascii()
    assert line.isprintable()
    event = json.loads(line)
    assert event["message"] == f"path {hostile}"
    assert (event["level"], event["logger"], event["more"]) == ("ERROR", "some", hostile)
    assert "ValueError" in event["exception"]
    assert {"at", "request_id", "actor"} <= event.keys()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The pages as gunicorn serves them, on a port of its own; no store behind them."""
    port = next(port for port in range(8223, 8240) if is_port_free(port))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "-c", "python:backoffice.gunicorn_conf"),
            *("--bind", f"127.0.0.1:{port}", "--workers", "1"),
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(200):
            if not is_port_free(port):
                break
            assert process.poll() is None
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        _, said = process.communicate(timeout=30)
    for line in said.splitlines():
        assert json.loads(line)["level"]


def ask(port: int, *parts: bytes) -> HTTPResponse:
    """Send raw bytes and read the answer, without ever ending the body."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        answer = HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer


def head(address: str, *headers: str) -> bytes:
    lines = [f"POST {address} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.integration
def test_a_declared_length_is_refused_before_anything_of_it_is_sent(server: int) -> None:
    answer = ask(server, head("/admin/login/", f"Content-Length: {2 * MB + 1}"))
    assert answer.status == 413
    check_headers(answer.headers)
    answer = ask(server, head("/admin/bulk/", f"Content-Length: {20 * MB + 1}"))
    assert answer.status == 413


@pytest.mark.integration
def test_a_body_without_a_length_is_read_no_further_than_the_limit(server: int) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    chunked = head("/admin/login/", "Transfer-Encoding: chunked")
    answer = ask(server, chunked, *[chunk] * 33)
    assert answer.status == 413
    check_headers(answer.headers)


@pytest.mark.integration
def test_a_small_body_without_a_length_arrives(server: int) -> None:
    kind = "Content-Type: application/x-www-form-urlencoded"
    cookie = f"Cookie: csrftoken={'c' * 32}"
    body = b"csrfmiddlewaretoken=" + b"c" * 32 + b"&username=&password=x"
    sent = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    answer = ask(server, head("/admin/login/", kind, cookie, "Transfer-Encoding: chunked"), sent)
    assert answer.status == 200
    wrong = sent.replace(b"=cccc", b"=dddd")
    answer = ask(server, head("/admin/login/", kind, cookie, "Transfer-Encoding: chunked"), wrong)
    assert answer.status == 403
