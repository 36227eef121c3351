"""Why the service does not answer what was asked, beside what rules refuse; and as which status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from payments.refusals import (
    AccountNotFound,
    InvalidRequest,
    KeyReused,
    PaymentNotFound,
    Refusal,
)


class NotAnEvent(InvalidRequest):
    code = "invalid_event"
    field = "event"
    sentence = "This is not a request of API Gateway."


class InvalidBody(InvalidRequest):
    code = "invalid_body"
    field = "body"


class InvalidCursor(InvalidRequest):
    code = "invalid_cursor"
    field = "cursor"


class TooLarge(Refusal):
    code = "too_large"
    field = "body"
    sentence = "The body is larger than 1 MB."


class Unauthenticated(Refusal):
    code = "unauthenticated"
    sentence = "Say who calls: the request names nobody that this service knows."
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class Forbidden(Refusal):
    code = "forbidden"


class NoSuchAddress(Refusal):
    code = "not_found"
    sentence = "There is nothing at this address."


class MethodNotAllowed(Refusal):
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This address takes {allowed} only.")
        self.headers = {"Allow": allowed}


_STATUSES: dict[type[Refusal], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NoSuchAddress: HTTPStatus.NOT_FOUND,
    AccountNotFound: HTTPStatus.NOT_FOUND,
    PaymentNotFound: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    KeyReused: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refusal: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def status_of(refusal: Refusal) -> HTTPStatus:
    """The status of a refusal: 422 for whatever a rule says."""
    return next(status for kind, status in _STATUSES.items() if isinstance(refusal, kind))
