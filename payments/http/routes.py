"""The service for programs: addresses, what each does, and every answer in words."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from audit import context
from dynamodb import errors
from payments import queries
from payments.attempts import recorded_refusals
from payments.http import refusals
from payments.http.bodies import KEY_HEADER, page_size, transfer_request
from payments.http.gateway import READ, WRITE, Caller, Request
from payments.http.strangers import note_stranger
from payments.models import Account, Payment, PaymentStatus
from payments.refusals import AccountNotFound, Declined, PaymentNotFound, Refusal
from payments.requests import ID_LENGTH, check_text
from payments.transfers import transfer_funds
from payments.wire import account_json, payment_json

R = TypeVar("R", Account, Payment)

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
ASK_AGAIN = f"Send it again with the same {KEY_HEADER}: nothing moves twice."


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: HTTPStatus
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_proxy(self, request_id: str = "") -> dict[str, Any]:
        """As API Gateway takes it, REST and HTTP alike."""
        named = {"X-Request-ID": request_id} if request_id else {}
        return {
            "statusCode": int(self.status),
            "headers": {
                "Content-Type": "application/json",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                **named,
                **self.headers,
            },
            "body": json.dumps(self.body),
            "isBase64Encoded": False,
        }


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request that has passed the door: its caller is known and may call this address.

    ``id`` is the part of the path that names a record.
    """

    request: Request
    caller: Caller
    at: datetime
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address. Without a ``scope`` anybody may call it."""

    method: str
    path: re.Pattern[str]
    scope: str
    act: Callable[[Ask], Answer]


def answer(request: Request, *, at: datetime) -> Answer:
    """Answer any request. What goes wrong is a status and a sentence, never an exception."""
    with context.use(request.origin):
        context.name_actor(request.caller.actor.id if request.caller else "")
        try:
            return _routed(request, at)
        except Refusal as refusal:
            return refused(refusal)
        except errors.StoreError as error:
            return _in_trouble(request, error)
        except Exception:  # noqa: BLE001 - else the platform would answer, with a bare 500
            _log.exception("%r %r failed", request.method, request.path)
            return unavailable("Something went wrong on our side.", request.method)


def refused(refusal: Refusal) -> Answer:
    body = {"error": str(refusal), "code": refusal.code, "field": refusal.field}
    return Answer(
        status=refusals.status_of(refusal),
        body={name: text for name, text in body.items() if text},
        headers=getattr(refusal, "headers", {}),
    )


def unavailable(sentence: str, method: str, code: str = "unavailable") -> Answer:
    """Trouble that may be over soon, and what is safe to do about it."""
    advice = ASK_AGAIN if method == "POST" else "Please try again in a moment."
    return Answer(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        body={"error": f"{sentence} {advice}", "code": code},
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _in_trouble(request: Request, error: errors.StoreError) -> Answer:
    _log.error("%r %r: %s", request.method, request.path, error, exc_info=error)
    match error:
        case errors.StoreBusyError():
            return unavailable("The store is busy; nothing has happened.", request.method, "busy")
        case errors.TableMissingError():
            return unavailable("The tables of this service are not there yet.", request.method)
        case errors.UnreadableRecordError():
            return unavailable("A stored record is damaged.", request.method)
    return unavailable("The store did not answer.", request.method)


def _routed(request: Request, at: datetime) -> Answer:
    fitting = [(route, found) for route in ROUTES if (found := route.path.fullmatch(request.path))]
    if not fitting:
        raise refusals.NoSuchAddress
    for route, found in fitting:
        if route.method == request.method:
            caller = _admitted(request, route, at)
            return route.act(Ask(request=request, caller=caller, at=at, **found.groupdict()))
    raise refusals.MethodNotAllowed(", ".join(route.method for route, _ in fitting))


NOBODY = Caller(name="", scopes=frozenset(), customers=frozenset())


def _admitted(request: Request, route: Route, at: datetime) -> Caller:
    """The caller, where they may call this address; raises the refusal, which is recorded."""
    if not route.scope:
        return NOBODY
    if request.caller is None:
        note_stranger({"method": request.method, "path": route.path.pattern}, at=at)
        raise refusals.Unauthenticated
    with recorded_refusals(subject="access", actor=request.caller.actor, at=at):
        if route.scope not in request.caller.scopes:
            raise refusals.Forbidden(f"This needs the scope {route.scope}.")
    return request.caller


def _health(_ask: Ask) -> Answer:
    return Answer(status=HTTPStatus.OK, body={"status": "ok"})


def _make_transfer(ask: Ask) -> Answer:
    actor = ask.caller.actor
    with recorded_refusals(subject="transfer", actor=actor, at=ask.at):
        asked = transfer_request(ask.request, ask.caller, ask.at)
    try:
        transfer = transfer_funds(asked, actor=actor, at=ask.at)
    except errors.OutcomeUnknownError as error:
        if not error.reference:  # it is the entry of a refusal that may be there
            raise
        _log.warning("payment %s: %s", error.reference, error)
        return _unknown(error.reference)
    payment = transfer.payment
    if payment.status == PaymentStatus.FAILED:
        return refused(Declined(payment.failure_code or "", payment.failure_reason or ""))
    status = HTTPStatus.OK if transfer.is_replay else HTTPStatus.CREATED
    return Answer(status=status, body=payment_json(payment))


def _unknown(payment_id: str) -> Answer:
    sentence = f"It is not certain yet whether the money has moved. {ASK_AGAIN}"
    body = {"id": payment_id, "error": sentence, "code": "outcome_unknown"}
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Answer(status=HTTPStatus.ACCEPTED, body=body, headers=headers)


def _show_payment(ask: Ask) -> Answer:
    missing = PaymentNotFound(
        "There is no such payment to be seen. Where its outcome was unknown, that proves "
        f"nothing: send the transfer again with the same {KEY_HEADER} to find out."
    )
    payment = _seen(ask, queries.get_payment(ask.id), missing)
    return Answer(status=HTTPStatus.OK, body=payment_json(payment))


def _list_payments(ask: Ask) -> Answer:
    """A page of what a customer paid: the index says which, the table how they stand."""
    person = ask.caller.actor.id
    with recorded_refusals(subject="access", actor=ask.caller.actor, at=ask.at):
        check_text("customer_id", ask.id, ID_LENGTH, required=True)
        if not ask.caller.serves(ask.id):
            raise refusals.Forbidden("You may not see this customer's payments.")
        rows, cursor = page_size(ask.request.query), ask.request.query.get("cursor", "")
        try:
            page = queries.get_customer_payments(
                customer_id=ask.id, person=person, cursor=cursor, rows=rows
            )
        except errors.CursorError as error:
            raise refusals.InvalidCursor(str(error)) from error
    payments = queries.get_payments(*(payment.id for payment in page.rows))
    listed = [payment_json(payment) for payment in payments if payment is not None]
    return Answer(status=HTTPStatus.OK, body={"payments": listed, "next_cursor": page.next_cursor})


def _show_account(ask: Ask) -> Answer:
    account = _seen(ask, queries.get_account(ask.id), AccountNotFound())
    return Answer(status=HTTPStatus.OK, body=account_json(account))


def _seen(ask: Ask, record: R | None, missing: Refusal) -> R:
    """A record that the caller may see; else it is missing, and the trail tells what was probed.

    That there is none is recorded too: the time of an answer must not tell them apart.
    """
    if record is not None and ask.caller.may_see(record):
        return record
    probed, actor = record.id if record is not None else "", ask.caller.actor
    with recorded_refusals(subject="access", actor=actor, at=ask.at, reference=probed):
        raise missing


def _route(method: str, path: str, scope: str, act: Callable[[Ask], Answer]) -> Route:
    pattern = re.escape(path).replace(r"\{id\}", "(?P<id>.+)")
    return Route(method=method, path=re.compile(pattern, re.DOTALL), scope=scope, act=act)


ROUTES = [
    _route("GET", "/health", "", _health),
    _route("POST", "/transfers", WRITE, _make_transfer),
    _route("GET", "/payments/{id}", READ, _show_payment),
    _route("GET", "/customers/{id}/payments", READ, _list_payments),
    _route("GET", "/accounts/{id}", READ, _show_account),
]
