"""What moved on an account in a period, from its own entries: balances before, between and after.

An account's entries carry the balance before and after each movement. A statement adds them up
again, and one that does not lead from its opening to its closing balance is not given out. What
its first entry says it found is believed: ``verify_audit`` holds it against the entry before.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import chain, islice, repeat

from audit.models import AuditLog
from audit.replay import read_chain
from dynamodb.pages import Page, Query, read_page
from dynamodb.scans import PAGE_ITEMS, query_items
from dynamodb.store import BATCH_KEYS
from dynamodb.times import from_rfc3339
from payments.identifiers import is_payment_id
from payments.models import Account, Payment
from payments.queries import get_payments
from payments.reconciliation.effects import whole

_NEAR = 50
"""How many entries are read first for the last one that moved money: it is mostly the last."""


class DoesNotAddUpError(AssertionError):
    """Entries of an account do not lead from one balance to the next: its chain is damaged."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """UTC days, both included."""

    first: date
    last: date

    @property
    def between(self) -> tuple[str, str]:
        """Two texts between which the sort keys of all entries of these days lie."""
        return self.first.isoformat(), f"{self.last.isoformat()}~"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A movement: by how much, and the balance it left. ``key`` is the sort key of its entry."""

    key: str
    payment_id: str
    amount_minor: int
    balance_minor: int
    payment: Payment | None = field(default=None, compare=False)

    @property
    def at(self) -> datetime:
        return from_rfc3339(self.key.partition("#")[0])

    @property
    def before_minor(self) -> int:
        return self.balance_minor - self.amount_minor

    @property
    def other_id(self) -> str:
        """The account on the other side; empty where the payment is not known."""
        if self.payment is None:
            return ""
        ends = self.payment.from_account_id, self.payment.to_account_id
        return ends[self.amount_minor < 0]

    @property
    def other_number(self) -> str:
        """Its number, or its id where the payment does not name it."""
        return self.payment.ends[self.amount_minor < 0] if self.payment else ""


@dataclass(frozen=True, kw_only=True)
class StatementPage:
    """Some lines of a statement, and the balances before and after them and at its end."""

    page: Page[AuditLog]
    lines: list[Line]
    brought_minor: int
    carried_minor: int
    closing_minor: int


@dataclass(kw_only=True)
class Statement:
    """A whole statement. It ends with the entry that was the last of its period when it was made.

    ``moved`` are the movements up to that entry, read as they are asked for. ``rows`` counts the
    lines that have been read.
    """

    account: Account
    period: Period
    made_at: datetime
    opening_minor: int
    closing_minor: int
    moved: Iterator[Line]
    rows: int = field(init=False, default=0)

    @property
    def is_final(self) -> bool:
        """Whether the period was over."""
        return self.made_at.date() > self.period.last

    def lines(self) -> Iterator[Line]:
        """Every line, once, the oldest first, read in pages. Raises ``DoesNotAddUpError``."""
        balance = self.opening_minor
        while batch := list(islice(self.moved, BATCH_KEYS)):
            balance = _add_up(balance, batch)
            self.rows += len(batch)
            yield from _with_payments(batch)
        if balance != self.closing_minor:
            raise DoesNotAddUpError(f"{self.account.id} ends with {balance}.")


def line_of(entry: AuditLog) -> Line | None:
    """The movement an entry tells of; ``None`` where it moved nothing."""
    before, after = (
        whole(values or {}, "balance") for values in (entry.old_values, entry.new_values)
    )
    if before == after:
        return None
    return Line(
        key=entry.timestamp,
        payment_id=entry.reference or "",
        amount_minor=after - before,
        balance_minor=after,
    )


def lines_of(entries: Iterable[AuditLog]) -> Iterator[Line]:
    """The movements that some entries tell of, in the order given."""
    return filter(None, map(line_of, entries))


def statement(account: Account, period: Period, *, at: datetime) -> Statement:
    """A statement to be read whole; what is posted from now on is not in it."""
    low, high = period.between
    last = _last_line(account.id, high)
    closing = last.balance_minor if last else 0
    items = read_chain(account.id, since=low, until=last.key) if last and last.key > low else ()
    lines = lines_of(map(AuditLog.from_item, items))
    first = list(islice(lines, 1))
    return Statement(
        account=account,
        period=period,
        made_at=at,
        opening_minor=first[0].before_minor if first else closing,
        closing_minor=closing,
        moved=chain(first, lines),
    )


def statement_page(
    account: Account, period: Period, *, person: str, cursor: str = ""
) -> StatementPage:
    """A page of a statement, the oldest lines first, in at most four requests."""
    low, high = period.between
    query = Query(
        model=AuditLog, partition=account.id, between=(low, high), newest_first=False
    )  # fmt: skip
    page = read_page([query], person=person, cursor=cursor, rows=BATCH_KEYS)
    lines = list(lines_of(page.rows))
    if lines:
        brought = lines[0].before_minor
    else:
        brought = _balance_at(account.id, page.rows[0].timestamp if page.rows else low)
    carried = _add_up(brought, lines)
    return StatementPage(
        page=page,
        lines=_with_payments(lines),
        brought_minor=brought,
        carried_minor=carried,
        closing_minor=carried if page.is_last else _balance_at(account.id, high),
    )


def _last_line(account_id: str, until: str) -> Line | None:
    """The newest movement up to a sort key."""
    query = Query(model=AuditLog, partition=account_id, between=("0", until))
    items = query_items(query, sizes=chain([_NEAR], repeat(PAGE_ITEMS)))
    return next(lines_of(map(AuditLog.from_item, items)), None)


def _balance_at(account_id: str, until: str) -> int:
    last = _last_line(account_id, until)
    return last.balance_minor if last else 0


def _add_up(balance: int, lines: Iterable[Line]) -> int:
    for line in lines:
        if line.before_minor != balance:
            raise DoesNotAddUpError(f"{line.key} follows {balance}, not {line.before_minor}.")
        balance = line.balance_minor
    return balance


def _with_payments(lines: list[Line]) -> list[Line]:
    """At most 100 lines with their payments, in one request."""
    ids = sorted({line.payment_id for line in lines if is_payment_id(line.payment_id)})
    found = {each.id: each for each in get_payments(*ids) if each} if ids else {}
    return [replace(line, payment=found.get(line.payment_id)) for line in lines]
