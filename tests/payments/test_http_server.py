"""The handler over HTTP on this machine: what reaches it, and what never does."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from payments.http.server import Server

Seen = list[dict[str, Any]]


@contextmanager
def serving(*, development: bool = True, seconds: float = 0.0) -> Iterator[tuple[Server, Seen]]:
    """A server whose handler notes each event and answers after some seconds."""
    seen: Seen = []

    def handler(event: Any, _: object) -> dict[str, Any]:
        seen.append(event)
        time.sleep(seconds)
        return {"statusCode": 200, "headers": {"X-Seen": "yes"}, "body": '{"ok": true}'}

    server = Server(0, handler, development=development)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server, seen
    finally:
        server.stop()
        thread.join()


@contextmanager
def connected(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def raw(server: Server, *lines: str, body: bytes = b"") -> tuple[int, dict[str, Any], bool]:
    """Send lines as they are; gives status, body, and whether the server hung up."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, json.loads(answer.read()), answer.will_close


def test_a_request_becomes_an_event() -> None:
    with serving() as (server, seen), connected(server) as connection:
        headers = {"Idempotency-Key": "k1", "Authorization": "bearer dev-shop", "User-Agent": "t"}
        connection.request("POST", "/a%20b?limit=2&cursor=&limit=3", b"\xff{}", headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["X-Seen"]) == (200, "yes")
        assert (answer.headers["Server"], answer.read()) == ("payments", b'{"ok": true}')
    (event,) = seen
    assert event["rawPath"] == "/a%20b"
    assert event["queryStringParameters"] == {"limit": "2,3", "cursor": ""}
    assert event["headers"]["idempotency-key"] == "k1"
    assert (event["body"], event["isBase64Encoded"]) == ("/3t9", True)
    asked = event["requestContext"]
    assert asked["http"]["method"] == "POST"
    assert (asked["http"]["sourceIp"], asked["http"]["userAgent"]) == ("127.0.0.1", "t")
    assert asked["authorizer"]["jwt"]["claims"]["sub"] == "shop"


@pytest.mark.parametrize(
    ("development", "authorization"),
    [
        (False, "Bearer dev-shop"),
        (True, "Bearer shop"),
        (True, "Bearer dev-"),
        (True, "Basic dev-shop"),
        (True, "dev-shop"),
        (True, "Bearer dev-a b"),
        (True, ""),
    ],
)
def test_whoever_is_not_named_in_development_is_nobody(
    development: bool, authorization: str
) -> None:
    with serving(development=development) as (server, seen), connected(server) as connection:
        connection.request("GET", "/", headers={"Authorization": authorization})
        connection.getresponse().read()
    assert "authorizer" not in seen[0]["requestContext"]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["POST / HTTP/1.1", "Content-Length: x"], 400),
        (["POST / HTTP/1.1", "Content-Length: +2"], 400),
        (["POST / HTTP/1.1", "Content-Length: -2"], 400),
        (["POST / HTTP/1.1", "Content-Length: 2", "Content-Length: 3"], 400),
        (["POST / HTTP/1.1", "Content-Length: " + "9" * 20], 400),
        (["POST / HTTP/1.1", "Content-Length: 999999999999999"], 413),
        (["POST / HTTP/1.1", "Transfer-Encoding: chunked"], 411),
        (["POST / HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 2"], 411),
        (["GET / HTTP/3.0"], 505),
        (["GET / HTTP/one"], 400),
        (["nonsense"], 400),
        (["GET /" + "a" * 70_000 + " HTTP/1.1"], 414),
        (["GET / HTTP/1.1", "X: " + "a" * 70_000], 431),
        (["GET / HTTP/1.1", *(f"X-{number}: y" for number in range(200))], 431),
    ],
)
def test_what_never_reaches_the_handler(lines: list[str], status: int) -> None:
    with serving() as (server, seen):
        found, body, hung_up = raw(server, *lines)
        assert (found, hung_up) == (status, True)
        assert body["error"].endswith(".")
        assert body["code"]
    assert seen == []


def test_a_body_of_a_megabyte_and_one_byte_more() -> None:
    with serving() as (server, seen):
        for length, status in ((1_000_000, 200), (1_000_001, 413), (9_000_000, 413)):
            with connected(server) as connection:
                connection.request("POST", "/", b"x" * length)
                assert connection.getresponse().status == status
    assert [len(event["body"]) for event in seen] == [1_000_000]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "BREW", "OPTIONS"])
def test_every_method_reaches_the_handler(method: str) -> None:
    with serving() as (server, seen), connected(server) as connection:
        connection.request(method, "/")
        assert connection.getresponse().status == 200
    assert seen[0]["requestContext"]["http"]["method"] == method


def test_head_has_no_body_and_the_connection_goes_on() -> None:
    with serving() as (server, seen), connected(server) as connection:
        for method in ("HEAD", "GET"):
            connection.request(method, "/")
            assert connection.getresponse().read() == (b"" if method == "HEAD" else b'{"ok": true}')
    assert len(seen) == 2


def test_requests_at_once() -> None:
    with serving(seconds=0.5) as (server, _), ExitStack() as ends:
        began = time.monotonic()
        connections = [ends.enter_context(connected(server)) for _ in range(20)]
        for connection in connections:
            connection.request("GET", "/")
        assert {connection.getresponse().status for connection in connections} == {200}
        assert time.monotonic() - began < 5


def test_the_end_waits_for_what_is_under_way_and_for_nobody_else() -> None:
    with (
        serving(seconds=1.0) as (server, seen),
        connected(server) as idle,
        connected(server) as busy,
        connected(server) as late,
    ):
        idle.connect()
        busy.request("GET", "/")
        while not seen:
            time.sleep(0.01)
        began = time.monotonic()
        server.stop()
        assert 0.1 < time.monotonic() - began < 10
        answer = busy.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"ok": true}')
        assert answer.headers["Connection"] == "close"
        with pytest.raises(OSError, match="refused"):
            late.request("GET", "/")


def test_only_this_machine_is_served() -> None:
    with serving() as (server, _):
        assert server.server_address[0] == "127.0.0.1"
