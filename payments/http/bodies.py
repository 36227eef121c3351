"""What a request says, read strictly: whatever is not certain to be meant is refused."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.chain import canonical_json
from dynamodb.pages import PAGE_ROWS
from dynamodb.store import BATCH_KEYS
from payments.http.gateway import Caller, Request
from payments.http.refusals import Forbidden, InvalidBody
from payments.identifiers import new_payment_id
from payments.refusals import InvalidAmount, InvalidField, MissingField
from payments.requests import TransferRequest

KEY_HEADER = "Idempotency-Key"
_TEXTS = (
    "customer_id",
    "merchant_id",
    "from_account_id",
    "to_account_id",
    "currency",
    "description",
)
_KEY = re.compile(r"[!-~]{1,255}")
_SHOWABLE_NAME = re.compile(r"\w{1,64}", re.ASCII)
_LONGEST_NUMBER = 20


def transfer_request(request: Request, caller: Caller, at: datetime) -> TransferRequest:
    """The transfer a request asks for; raises ``InvalidRequest`` for what is malformed.

    Raises ``Forbidden`` for a customer that the caller does not serve.
    """
    key = request.headers.get(KEY_HEADER.lower(), "")
    if not key:
        raise MissingField(KEY_HEADER)
    if not _KEY.fullmatch(key):
        raise InvalidField(KEY_HEADER, "Send 1 to 255 visible ASCII characters.")
    body = _read_object(request.text())
    if unknown := sorted(body.keys() - {*_TEXTS, "amount"}):
        raise InvalidField(_shown(unknown[0]), "There is no such field.")
    texts = {name: _text(body, name) for name in _TEXTS}
    texts["customer_id"] = _paying(caller, texts["customer_id"])
    return TransferRequest(
        payment_id=new_payment_id(at),
        amount_minor=_amount(body),
        idempotency_key=_scoped(caller, key),
        **texts,
    )


def page_size(query: Mapping[str, str]) -> int:
    """How many rows a page is to have; raises ``InvalidField`` for what is no such number."""
    text = query.get("limit") or str(PAGE_ROWS)
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= BATCH_KEYS:
        raise InvalidField("limit", f"Ask for 1 to {BATCH_KEYS} payments.")
    return int(text)


def _paying(caller: Caller, customer_id: str) -> str:
    """The customer whose account must be the source; empty where it may be anybody's.

    The rules refuse a source of another customer, so naming one here is what binds the caller.
    """
    if caller.serves_everybody or (customer_id and caller.serves(customer_id)):
        return customer_id
    if customer_id or not caller.customers:
        raise Forbidden("You may not move this customer's money.")
    if len(caller.customers) > 1:
        raise MissingField("customer_id")
    return next(iter(caller.customers))


def _scoped(caller: Caller, key: str) -> str:
    """A caller's key under a name that no other caller's can have, and short enough to keep."""
    scope = canonical_json({"caller": caller.name, "key": key})
    return f"api:{hashlib.sha256(scope).hexdigest()}"


def _read_object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text, object_pairs_hook=_without_doubles, parse_int=_whole)
    except (json.JSONDecodeError, RecursionError):
        raise InvalidBody("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise InvalidBody("Send a JSON object.")
    return body


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidField(_shown(name), "It is given twice.")
        values[name] = value
    return values


def _whole(text: str) -> int | None:
    """A whole number; nothing for one that is longer than any amount."""
    return int(text) if len(text) <= _LONGEST_NUMBER else None


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise InvalidField(name, "It must be text.")
    return value


def _amount(body: dict[str, Any]) -> int:
    if "amount" not in body:
        raise MissingField("amount")
    if type(body["amount"]) is not int:
        raise InvalidAmount("The amount must be a whole number of minor units.")
    return int(body["amount"])


def _shown(name: str) -> str:
    """A field's name as an answer may repeat it."""
    return name if _SHOWABLE_NAME.fullmatch(name) else "body"
