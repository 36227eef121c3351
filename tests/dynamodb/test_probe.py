"""Which engines are usable, told from their answers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dynamodb.local import free_port
from dynamodb.probe import EngineError, answers, require_transactions

Answer = Callable[[str], tuple[int, str]]


@contextmanager
def an_engine(answer: Answer) -> Iterator[str]:
    """The URL of a server that answers each operation with a status and a body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = answer(self.headers["X-Amz-Target"].split(".")[-1])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"__type": "com.amazonaws.dynamodb.v20120810#UnknownOperationException"}'),
        (404, "<html>not here</html>"),
        (500, '["not", "an", "object"]'),
    ],
)
def test_without_transactions(status: int, body: str) -> None:
    with (
        an_engine(lambda _operation: (status, body)) as url,
        pytest.raises(EngineError, match="has no TransactWriteItems"),
    ):
        require_transactions(url)


@pytest.mark.parametrize("kind", ["ValidationException", "UnrecognizedClientException"])
def test_with_transactions(kind: str) -> None:
    with an_engine(lambda _operation: (400, f'{{"__type": "x#{kind}"}}')) as url:
        require_transactions(url)


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert not answers(url)
    with pytest.raises(EngineError, match="Nothing that speaks DynamoDB answers at"):
        require_transactions(url)


def test_another_server_is_no_engine() -> None:
    with an_engine(lambda _operation: (200, '{"hello": "world"}')) as url:
        assert not answers(url)


def test_an_engine_lists_its_tables() -> None:
    with an_engine(lambda _operation: (200, '{"TableNames": []}')) as url:
        assert answers(url)
