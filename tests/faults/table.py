"""What the fault tests tried, as the one table at the end of a run."""

ROWS: list[tuple[str, str, str]] = []
"""Test, what, how many: in the order of the run."""


def tell(test: str, what: str, number: float) -> None:
    """Put a number into the table."""
    ROWS.append((test, what, f"{number:,}" if isinstance(number, int) else f"{number:.1f}"))


def lines() -> list[str]:
    """The table, its columns aligned; a test's name stands before its first row only."""
    if not ROWS:
        return []
    widths = [max(len(row[column]) for row in ROWS) for column in range(3)]
    shown, before = [], ""
    for test, what, number in sorted(ROWS, key=lambda row: row[0]):
        name = "" if test == before else test
        shown.append(f"{name:{widths[0]}}  {what:{widths[1]}}  {number:>{widths[2]}}")
        before = test
    return shown
