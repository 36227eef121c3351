"""Why money does not move: each refusal has a code for programs and a sentence for staff."""

from collections.abc import Iterator
from typing import ClassVar


class Refusal(Exception):  # noqa: N818 - the field's own word
    """A request that is not carried out. ``field`` is the form's field it stands next to.

    ``reference`` names the record that it is about, where there is one; ``is_recorded`` says that
    the trail has it already.
    """

    code: ClassVar[str]
    field: ClassVar[str] = ""
    sentence: ClassVar[str] = ""
    reference: str = ""
    is_recorded: bool = False

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class InvalidRequest(Refusal):
    """The request itself is malformed. It uses up no id or key, and may be sent corrected."""


class InvalidAmount(InvalidRequest):
    code = "invalid_amount"
    field = "amount"
    sentence = "The amount must be more than zero."


class MissingField(InvalidRequest):
    code = "missing_field"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is missing.")
        self.field = field  # type: ignore[misc]  # the one refusal whose field varies


class SameAccount(InvalidRequest):
    code = "same_account"
    field = "to_account_id"
    sentence = "Source and destination are the same account."


class UnknownCurrency(InvalidRequest):
    code = "unknown_currency"
    field = "currency"

    def __init__(self, currency: str) -> None:
        super().__init__(f"{currency[:20]} is not a currency of ISO 4217.")


class CurrencyMismatch(Refusal):
    code = "currency_mismatch"
    field = "currency"


class SourceNotFound(Refusal):
    code = "source_not_found"
    field = "from_account_id"
    sentence = "There is no such source account."


class DestinationNotFound(Refusal):
    code = "destination_not_found"
    field = "to_account_id"
    sentence = "There is no such destination account."


class SourceNotActive(Refusal):
    code = "source_not_active"
    field = "from_account_id"


class DestinationNotActive(Refusal):
    code = "destination_not_active"
    field = "to_account_id"


class SourceLocked(Refusal):
    code = "source_locked"
    field = "from_account_id"


class InsufficientFunds(Refusal):
    code = "insufficient_funds"
    field = "amount"


class LimitExceeded(Refusal):
    code = "limit_exceeded"
    field = "amount"


class CustomerMismatch(Refusal):
    code = "customer_mismatch"
    field = "customer_id"
    sentence = "The source account belongs to another customer."


class AlreadyReversed(Refusal):
    code = "already_reversed"
    field = "amount"


class NotReversible(Refusal):
    code = "not_reversible"
    sentence = "Only a processed payment that is no reversal itself can be reversed."


class NotPending(Refusal):
    code = "not_pending"


class SamePerson(Refusal):
    code = "same_person"
    sentence = "Whoever asked for a transfer cannot approve it: another supervisor must."


class RequestChanged(Refusal):
    code = "request_changed"
    sentence = "The request is not the one that was shown. Look at it again before you decide."


class PaymentNotFound(Refusal):
    code = "payment_not_found"
    sentence = "There is no such payment."


class AccountNotFound(Refusal):
    code = "account_not_found"
    sentence = "There is no such account."


class AlertNotFound(Refusal):
    code = "alert_not_found"
    sentence = "There is no such alert."


class CaseNotFound(Refusal):
    code = "case_not_found"
    sentence = "There is no such case."


class WrongState(Refusal):
    """What is asked for does not fit the state of the account, the alert or the case."""

    code = "wrong_state"


class StaleEdit(Refusal):
    """Somebody else has changed what is being edited."""

    code = "stale_edit"
    sentence = "Somebody has changed this in the meantime. Compare both before you save."


class KeyReused(Refusal):
    code = "key_reused"
    sentence = (
        "This request was already sent with other values. "
        "Nothing has moved; please start a new request."
    )

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference


class InvalidField(InvalidRequest):
    """A value that is there and cannot be taken, such as a text that is too long."""

    code = "invalid_field"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field  # type: ignore[misc]  # as above


def field_of(code: str) -> str:
    """The field that a refusal stands next to, from its code; empty where it is none in special."""
    return next((kind.field for kind in _kinds(Refusal) if kind.code == code), "")


def _kinds(family: type[Refusal]) -> Iterator[type[Refusal]]:
    for kind in family.__subclasses__():
        if "code" in vars(kind):
            yield kind
        yield from _kinds(kind)


class Declined(Refusal):
    """The refusal that a failed payment keeps."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code  # type: ignore[misc]  # it stands for any of the others
        self.field = field_of(code)  # type: ignore[misc]  # the same
