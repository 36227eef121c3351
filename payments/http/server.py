"""The Lambda handler over HTTP on this machine: what API Gateway does there, as thin as can be."""

import base64
import json
import logging
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from uuid_utils import uuid7

from payments.http.gateway import EVERY_CUSTOMER, MAX_BODY_BYTES, READ, WRITE

_log = logging.getLogger(__name__)

IDLE_SECONDS = 30
DRAINED_BYTES = 16 * MAX_BODY_BYTES
"""A body that is too large is read up to this size, so that its sender gets to see the answer."""

_DEVELOPER = re.compile(r"Bearer dev-([A-Za-z0-9._-]{1,64})", re.IGNORECASE | re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_SENTENCES = {
    HTTPStatus.REQUEST_URI_TOO_LONG: ("too_large", "The address is too long."),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: ("too_large", "The headers are too large."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", "The body is larger than 1 MB."),
    HTTPStatus.LENGTH_REQUIRED: ("length_required", "Send a Content-Length instead of chunks."),
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: ("invalid_request", "Use HTTP/1.1."),
}
_MALFORMED = ("invalid_request", "This is not a well-formed HTTP request.")

Handler = Callable[[object, object], dict[str, Any]]
"""An event and its context in, an answer for API Gateway out."""


class Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own, on loopback only.

    ``development`` believes ``Authorization: Bearer dev-NAME``, and nobody else; without it there
    is no authorizer on this machine, and every request is one of nobody.
    """

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, handler: Handler, *, development: bool) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.handler, self.development = handler, development
        self.idle: set[socket.socket] = set()
        self.is_stopping = False

    def stop(self) -> None:
        """Take no more connections, and return when the requests under way are answered."""
        self.is_stopping = True
        self.shutdown()
        for connection in list(self.idle):
            with suppress(OSError):  # its other end may have gone
                connection.shutdown(socket.SHUT_RD)
        self.server_close()

    def claims(self, authorization: str) -> dict[str, str] | None:
        """What an authorizer would say of the caller."""
        named = _DEVELOPER.fullmatch(authorization)
        if named is None or not self.development:
            return None
        return {"sub": named[1], "scope": f"{READ} {WRITE}", "customers": EVERY_CUSTOMER}


class _Connection(BaseHTTPRequestHandler):
    server: Server
    protocol_version = default_request_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = -1

    def handle_one_request(self) -> None:
        self.server.idle.add(self.connection)
        if self.server.is_stopping:
            self.close_connection = True
        else:
            super().handle_one_request()
        self.server.idle.discard(self.connection)

    def parse_request(self) -> bool:
        self.server.idle.discard(self.connection)
        return super().parse_request()

    def __getattr__(self, name: str) -> Any:
        """Take every method: what an address takes is for the handler to say."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            return
        answer = self.server.handler(self._event(body), None)
        content = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self._end(content)

    def _end(self, content: bytes) -> None:
        if self.close_connection or self.server.is_stopping:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _body(self) -> bytes | None:
        """The whole body; ``None`` once a request whose end is unclear has been answered."""
        lengths = self.headers.get_all("Content-Length", ["0"])
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif (length := int(lengths[0])) > MAX_BODY_BYTES:
            self._drain(length)
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif len(body := self.rfile.read(length)) == length:
            return body
        else:
            self.send_error(HTTPStatus.BAD_REQUEST)
        return None

    def _drain(self, length: int) -> None:
        while 0 < length <= DRAINED_BYTES and (chunk := self.rfile.read(min(length, 65536))):
            length -= len(chunk)

    def _event(self, body: bytes) -> dict[str, Any]:
        """The request as API Gateway hands over HTTP APIs (payload format 2.0)."""
        path, _, query = self.path.partition("?")
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            headers[name.lower()] = ",".join(filter(None, (headers.get(name.lower()), value)))
        claims = self.server.claims(headers.get("authorization", ""))
        parameters: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameters[name] = ",".join(filter(None, (parameters.get(name), value)))
        return {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "queryStringParameters": parameters,
            "requestContext": {
                "http": {
                    "method": self.command,
                    "path": path,
                    "sourceIp": self.client_address[0],
                    "userAgent": headers.get("user-agent", ""),
                },
                "requestId": str(uuid7()),
                "stage": "$default",
                **({"authorizer": {"jwt": {"claims": claims}}} if claims else {}),
            },
            "body": body.decode("latin-1") if body.isascii() else base64.b64encode(body).decode(),
            "isBase64Encoded": not body.isascii(),
        }

    def send_error(self, code: int, *_library_words: str | None) -> None:
        """Say what cannot be handed on in our own words, and close the connection."""
        status = HTTPStatus(code)
        word, sentence = _SENTENCES.get(status, _MALFORMED)
        if status not in _SENTENCES:
            status = HTTPStatus.BAD_REQUEST
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self._end(json.dumps({"error": sentence, "code": word}).encode())

    def version_string(self) -> str:
        return "payments"

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name it is called with
        _log.debug(format, *arguments)
