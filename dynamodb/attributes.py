"""Attributes that refuse what they could not give back exactly."""

import logging
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.constants import LIST, MAP, NUMBER, STRING

from dynamodb.errors import UnreadableRecordError
from dynamodb.times import from_rfc3339, to_rfc3339

__all__ = [
    "EnumAttribute",
    "TextAttribute",
    "TextListAttribute",
    "TimeAttribute",
    "Unreadable",
    "ValuesAttribute",
    "WholeNumberAttribute",
    "plain",
]

_log = logging.getLogger(__name__)
_E = TypeVar("_E", bound=StrEnum)

TextAttribute = UnicodeAttribute


class Unreadable(str):
    """A stored text that is not what its attribute promises; shown as it is, equal to no value."""

    __slots__ = ()


class WholeNumberAttribute(Attribute[int]):
    """A whole number: money in minor units, a version, a count. Never a float in or out."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> str:
        if type(value) is not int:
            message = f"{self.attr_name} takes a whole number, not {type(value).__name__}"
            raise TypeError(message)
        return str(value)

    def deserialize(self, value: str) -> int:
        try:
            return int(value)
        except ValueError:
            message = f"The stored {self.attr_name} {value!r} is not a whole number."
            raise UnreadableRecordError(message) from None


class EnumAttribute(Attribute[_E]):
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


class TimeAttribute(Attribute[datetime]):
    """A UTC time, stored as RFC 3339 text; a malformed one is read as ``Unreadable``."""

    attr_type = STRING

    def serialize(self, value: Any) -> str:
        return to_rfc3339(value)

    def deserialize(self, value: str) -> Any:
        try:
            return from_rfc3339(value)
        except ValueError:
            _log.warning("malformed %s %r in the store", self.attr_name, value)
            return Unreadable(value)


class TextListAttribute(Attribute[list[str]]):
    """A list of texts."""

    attr_type = LIST

    def serialize(self, value: Any) -> list[dict[str, str]]:
        return [{STRING: text} for text in value]

    def deserialize(self, value: Any) -> list[str]:
        return [plain(item) for item in value]


class ValuesAttribute(Attribute[dict[str, Any]]):
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

    A number that is not whole stays text: it is somebody else's, and must not become a float.
    """
    (kind, value), *_ = typed.items()
    if kind == NUMBER:
        try:
            return int(value)
        except ValueError:
            return value
    if kind == MAP:
        return {name: plain(item) for name, item in value.items()}
    if kind == LIST:
        return [plain(item) for item in value]
    return None if kind == "NULL" else value
