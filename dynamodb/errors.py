"""What can go wrong between us and the store, in words of ours."""

from collections.abc import Mapping
from typing import Any


class StoreError(Exception):
    """Any trouble with the store. Its text is fit for staff."""


class StoreUnavailableError(StoreError):
    """The store did not answer. A read may be tried again; a write may have happened."""


class StoreUnreachableError(StoreUnavailableError):
    """The store never took the request, nor an earlier one of the same call: nothing happened."""


class StoreBusyError(StoreError):
    """The store asked for patience: a throttle or a conflict that outlasted the retries."""


class OutcomeUnknownError(StoreError):
    """A write was sent and no answer came within the time there was: it may have happened.

    ``reference`` names the record that it may have made, where that is known.
    """

    reference: str = ""


class StoreRefusedError(StoreError):
    """The store refused a request for a reason of its own, its ``code``: nothing happened."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer, self.code = answer, str(answer["Error"]["Code"])
        super().__init__(f"The store refused a request: {self.code}.")


class TableMissingError(StoreError):
    """A table is not there yet."""


class ConditionFailedError(StoreError):
    """A single conditional write was refused; ``item`` is the raw record as it stood."""

    def __init__(self, item: Mapping[str, Any] | None) -> None:
        super().__init__("The record is not as it was expected to be.")
        self.item = item


class UnreadableRecordError(StoreError):
    """A stored value is not what its attribute says it is."""


class CursorError(StoreError):
    """A page cursor that was touched, is too old, or belongs to another list or person."""
