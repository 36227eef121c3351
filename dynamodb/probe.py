"""Ask whoever answers at an address whether it is an engine that can be used, without a client."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=local/20200101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
"""Well formed, which is all that DynamoDB Local asks for."""


class EngineError(Exception):
    """An engine cannot do what it is needed for; the text is one sentence for people."""


def answers(endpoint_url: str) -> bool:
    """Whether an engine there lists its tables."""
    try:
        status, body = _ask(endpoint_url, "ListTables")
    except (OSError, http.client.HTTPException):
        return False
    return status == http.HTTPStatus.OK and "TableNames" in body


def require_transactions(endpoint_url: str) -> None:
    """Raise ``EngineError`` unless the engine there, whichever it is, knows ``TransactWriteItems``.

    The empty request is refused by each that knows it, so nothing is written.
    """
    try:
        _status, body = _ask(endpoint_url, "TransactWriteItems")
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(f"Nothing that speaks DynamoDB answers at {endpoint_url}.") from error
    kind = str(body.get("__type", ""))
    if not kind or "UnknownOperation" in kind:
        raise EngineError(
            f"The engine at {endpoint_url} has no TransactWriteItems, without which a transfer "
            f"could be half done: use AWS DynamoDB or DynamoDB Local."
        )


def _ask(endpoint_url: str, operation: str) -> tuple[int, dict[str, Any]]:
    """Send an empty request of this operation; give the status and the JSON object answered.

    Raises ``OSError`` or ``HTTPException`` where nobody answers in HTTP.
    """
    headers = {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": SIGNATURE,
    }
    request = urllib.request.Request(endpoint_url, data=b"{}", headers=headers)  # noqa: S310 - from settings
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=5) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        status, content = refusal.code, refusal.read()
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    return status, body if isinstance(body, dict) else {}
