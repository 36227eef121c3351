"""What DynamoDB's answers that are errors mean: in our words, and whether they leave doubt."""

from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from dynamodb import errors

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "LimitExceededException",
    }
)
CANCELED = "TransactionCanceledException"
_OF_ALL_ATTEMPTS = frozenset({CANCELED, "ResourceInUseException"})
"""Answers that hold for the call as a whole, and not for its last attempt alone."""
CONFLICTS = frozenset({"TransactionConflict", "TransactionConflictException"})

FASTER = CONFLICTS | {"ConditionalCheckFailed", "ConditionalCheckFailedException"}

_UNCLEAR = frozenset({"TransactionInProgressException", "InternalServerError"})

_NOT_ADMITTED = frozenset(
    {"ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException"}
)
"""Keys that have ended, or a clock that is minutes off: turned away before it was looked at."""


def _code_and_status(answer: dict[str, Any]) -> tuple[str, int]:
    code = answer.get("Error", {}).get("Code", "")
    return code, answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def is_unclear(answer: dict[str, Any]) -> bool:
    """Tell an answer that leaves open whether a write has happened.

    Where an answer names no code, botocore gives the status for one: DynamoDB did not write it.
    """
    code, status = _code_and_status(answer)
    is_strange = code == str(status)
    return is_strange or status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _UNCLEAR


def reason(error: Exception) -> str:
    """How a call failed: by AWS's code, a cancelled transaction's by the first of its reasons."""
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return type(error).__name__
    answer: dict[str, Any] = dict(cause.response)
    reasons = [each["Code"] for each in answer.get("CancellationReasons", [])]
    return next((code for code in reasons if code != "None"), _code_and_status(answer)[0])


def translated(error: ClientError, *, was_lost: bool) -> errors.StoreError:
    """``was_lost`` says that an earlier attempt of the same call had no clear answer."""
    answer: dict[str, Any] = dict(error.response)
    code, _ = _code_and_status(answer)
    if _asks_for_patience(code, answer) or code in _NOT_ADMITTED:
        return _turned_away(code, was_lost=was_lost)
    if code == "ResourceNotFoundException":
        return errors.TableMissingError(
            "A table is missing. Run `make create-payment-tables` first."
        )
    if code == "ConditionalCheckFailedException":
        return errors.ConditionFailedError(answer.get("Item"))
    is_in_doubt = was_lost and code not in _OF_ALL_ATTEMPTS
    if is_unclear(answer) or is_in_doubt:
        return errors.StoreUnavailableError(f"The store failed with {code}.")
    return errors.StoreRefusedError(answer)


def _turned_away(code: str, *, was_lost: bool) -> errors.StoreError:
    if was_lost:
        # Refused now, but an earlier attempt of this very call may have been carried out.
        return errors.StoreUnavailableError(f"The store did not answer, then said {code}.")
    if code in _NOT_ADMITTED:
        return errors.StoreUnreachableError(f"The store does not let us in: {code}.")
    return errors.StoreBusyError("The store is busy. Please try again in a moment.")


def _asks_for_patience(code: str, answer: dict[str, Any]) -> bool:
    if code != CANCELED:
        return code in THROTTLES | CONFLICTS
    reasons = {each["Code"] for each in answer.get("CancellationReasons", [])} - {"None"}
    return bool(reasons) and reasons <= THROTTLES | CONFLICTS
