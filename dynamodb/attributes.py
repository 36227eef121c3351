"""Attributes that refuse what they could not give back exactly."""

import logging
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.constants import BINARY_SET, LIST, MAP, NUMBER, NUMBER_SET, STRING, STRING_SET

from dynamodb.errors import UnreadableRecordError
from dynamodb.times import from_rfc3339, to_rfc3339

_SETS = frozenset({BINARY_SET, NUMBER_SET, STRING_SET})
_log = logging.getLogger(__name__)
_E = TypeVar("_E", bound=StrEnum)


class Unreadable(str):
    """A stored text that is not what its attribute promises; shown as it is, equal to no value.

    Neither before nor after any: to compare it raises ``UnreadableRecordError``.
    """

    __slots__ = ()

    def _has_no_order(self, _: object) -> NoReturn:
        raise UnreadableRecordError(f"The stored {str(self)!r} is malformed.")

    __lt__ = __le__ = __gt__ = __ge__ = _has_no_order


class _OfRecord:
    """Reads its value without asking first whether it stands in a map, as none of ours does."""

    attr_path: list[str]

    if not TYPE_CHECKING:

        def __get__(self, record: Any, owner: Any) -> Any:
            return self if record is None else record.attribute_values.get(self.attr_path[-1])


class TextAttribute(_OfRecord, UnicodeAttribute):
    """A text. An empty one is left out where the attribute may be absent."""

    def serialize(self, value: Any) -> str | None:
        return _text(self, value) or (None if self.null else "")


def _text(attribute: Attribute[Any], value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(attribute, "text", value)
    return str(value)


def _wrong_type(attribute: Attribute[Any], wanted: str, value: Any) -> TypeError:
    return TypeError(f"{attribute.attr_name} takes {wanted}, not {type(value).__name__}")


class _LenientText(_OfRecord):
    """Reads a value of another type as its text, for the attribute to find it malformed."""

    def get_value(self, typed: dict[str, Any]) -> str:
        return str(plain(typed))


class WholeNumberAttribute(_OfRecord, Attribute[int]):
    """A whole number: money in minor units, a version, a count. Never a float in or out."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> str:
        if type(value) is not int:
            raise _wrong_type(self, "a whole number", value)
        return str(value)

    def deserialize(self, value: str) -> int:
        try:
            return int(value)
        except ValueError:
            message = f"The stored {self.attr_name} {value!r} is not a whole number."
            raise UnreadableRecordError(message) from None


class EnumAttribute(_LenientText, Attribute[_E]):
    """One of the values of a ``StrEnum``; an unknown one is refused on write.

    On read an unknown value, left by a newer or a foreign writer, comes back as ``Unreadable``
    and is logged: one odd record must not hide the others of its page.
    """

    attr_type = STRING

    def __init__(self, enum: type[_E], **options: Any) -> None:
        super().__init__(**options)
        self.enum = enum

    def serialize(self, value: Any) -> str:
        return self.enum(value).value

    def deserialize(self, value: str) -> Any:
        try:
            return self.enum(value)
        except ValueError:
            _log.warning("unknown %s %r in the store", self.attr_name, value)
            return Unreadable(value)


class TimeAttribute(_LenientText, Attribute[datetime]):
    """A UTC time, stored as RFC 3339 text; a malformed one is read as ``Unreadable``."""

    attr_type = STRING

    def serialize(self, value: Any) -> str:
        if not isinstance(value, datetime):
            raise _wrong_type(self, "a time", value)
        return to_rfc3339(value)

    def deserialize(self, value: str) -> Any:
        try:
            return from_rfc3339(value)
        except ValueError:
            _log.warning("malformed %s %r in the store", self.attr_name, value)
            return Unreadable(value)


class TextListAttribute(_OfRecord, Attribute[list[str]]):
    """A list of texts."""

    attr_type = LIST

    def serialize(self, value: Any) -> list[dict[str, str]]:
        if isinstance(value, str):
            raise _wrong_type(self, "a list of texts", value)
        return [{STRING: _text(self, text)} for text in value]

    def deserialize(self, value: Any) -> list[str]:
        return [plain(item) for item in value]


class ValuesAttribute(_OfRecord, Attribute[dict[str, Any]]):
    """A flat map of names to texts, whole numbers, flags and lists of texts."""

    attr_type = MAP

    def serialize(self, value: Any) -> dict[str, Any]:
        return {name: _typed(item) for name, item in value.items()}

    def deserialize(self, value: Any) -> dict[str, Any]:
        return {name: plain(item) for name, item in value.items()}


def _typed(value: Any) -> dict[str, Any]:
    """Give a plain value its DynamoDB type. Raises ``TypeError`` for floats and objects."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {NUMBER: str(value)}
    if isinstance(value, str):
        return {STRING: str(value)}
    if isinstance(value, datetime):
        return {STRING: to_rfc3339(value)}
    if isinstance(value, list):
        return {LIST: [_typed(item) for item in value]}
    message = f"{type(value).__name__} has no place in a stored map"
    raise TypeError(message)


def plain(typed: dict[str, Any]) -> Any:
    """Turn DynamoDB's ``{"S": "text"}`` into a plain value, numbers as whole numbers.

    A number that is not whole stays text, and a set a set: they are somebody else's, and must not
    pass for a value of ours.
    """
    ((kind, value),) = typed.items()
    if kind == STRING:
        return value
    if kind == NUMBER:
        return _whole(value)
    if kind == MAP:
        return {name: plain(item) for name, item in value.items()}
    if kind == LIST:
        return [plain(item) for item in value]
    if kind in _SETS:
        return set(value)
    return None if kind == "NULL" else value


def _whole(number: str) -> int | str:
    try:
        return int(number)
    except ValueError:
        return number
