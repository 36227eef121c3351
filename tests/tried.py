"""What the long tests tried and found, as the one table at the end of a run.

A row with bounds is a verdict: ``missed`` gives those that do not hold, so what is printed is what
was judged.
"""

import os
from dataclasses import dataclass

FULL = os.environ.get("LOAD") == "full"
"""`make test-load` asks for every count in full, any other run for a tenth."""

TITLE = f"tried, and found ({'in full' if FULL else 'a tenth; `make test-load` tries all'})"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A number of a test, and the bounds it was judged by."""

    test: str
    what: str
    number: float
    at_least: float | None = None
    at_most: float | None = None

    def holds(self) -> bool:
        above = self.at_least is None or self.number >= self.at_least
        return above and (self.at_most is None or self.number <= self.at_most)

    def wanted(self) -> str:
        bounds = {"at least": self.at_least, "at most": self.at_most}
        if self.at_most == 0:
            return "none"
        return ", ".join(f"{word} {_said(at)}" for word, at in bounds.items() if at is not None)

    def cells(self) -> tuple[str, ...]:
        verdict = "" if self.holds() else "MISSED"
        return self.test, self.what, self.wanted(), _said(self.number), verdict


ROWS: list[Row] = []


def share(full: int) -> int:
    """How many of a full count this run tries."""
    return full if FULL else max(1, full // 10)


def tell(
    test: str,
    what: str,
    number: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> None:
    """Put a number into the table."""
    ROWS.append(Row(test=test, what=what, number=number, at_least=at_least, at_most=at_most))


def missed(test: str) -> list[str]:
    """What a test has told that is not within its bounds."""
    rows = [row for row in ROWS if row.test == test and not row.holds()]
    return [f"{row.what}: {_said(row.number)}, wanted {row.wanted()}" for row in rows]


def lines() -> list[str]:
    """The table, its columns aligned; a test's name stands before its first row only."""
    if not ROWS:
        return []
    table = [("test", "what", "wanted", "number", ""), *(row.cells() for row in _by_test())]
    widths = [max(len(cells[column]) for cells in table) for column in range(4)]
    shown, before = [], ""
    for test, what, wanted, number, verdict in table:
        name = "" if test == before else test
        line = (
            f"{name:{widths[0]}}  {what:{widths[1]}}  {wanted:{widths[2]}}  {number:>{widths[3]}}"
        )
        shown.append(f"{line}  {verdict}".rstrip())
        before = test
    return shown


def _by_test() -> list[Row]:
    return sorted(ROWS, key=lambda row: row.test)


def _said(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.1f}"
