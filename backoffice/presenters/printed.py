"""What a printed sheet is made of, known without the library that prints it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and lines of a label and what it says."""

    heading: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a long table, so many millimetres wide; ``align`` is L or R."""

    name: str
    width: float
    align: str = "L"
