"""Statements and receipts as people read them: on a page, as CSV, on paper."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audit.export import csv_lines
from backoffice.presenters.printed import Column, Section
from backoffice.presenters.values import day_in_words, money, record_url, signed
from backoffice.wording import said
from dynamodb.store import BATCH_KEYS
from dynamodb.times import to_rfc3339
from payments.history.statements import Line, Period, Statement
from payments.models import Account, Payment
from payments.money import major

MOST_PRINTED = 5_000
"""A longer statement is no document to print: CSV and camt.053 have no end."""

_CSV_COLUMNS = ("time_utc", "payment_id", "description", "other_account_id", "amount", "balance",
                "currency")  # fmt: skip


class TooLongToPrintError(Exception):
    """A statement has more movements than a PDF holds."""


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    """A line with its amounts in words."""

    line: Line
    amount: str
    balance: str
    payment_url: str
    other_url: str

    @property
    def description(self) -> str:
        return (self.line.payment and self.line.payment.description) or ""


def statement_rows(lines: Iterable[Line], currency: str) -> list[StatementRow]:
    return [
        StatementRow(
            line=line,
            amount=signed(line.amount_minor, currency),
            balance=money(line.balance_minor, currency),
            payment_url=record_url(line.payment_id),
            other_url=record_url(line.other_id),
        )
        for line in lines
    ]


def days(period: Period) -> str:
    return f"{day_in_words(period.first)} \u2013 {day_in_words(period.last)}"


def as_csv(made: Statement) -> Iterator[bytes]:
    """Opening balance, a row for each movement, closing balance; piece by piece."""
    account, lines = made.account, made.lines()

    def balance(label: str, amount_minor: int) -> list[object]:
        total = major(amount_minor, account.currency)
        return ["", "", label, "", "", total, account.currency]

    yield csv_lines([_CSV_COLUMNS, balance(_("Opening balance"), made.opening_minor)])
    while batch := list(islice(lines, BATCH_KEYS)):
        yield csv_lines(_cells(row, account) for row in statement_rows(batch, account.currency))
    yield csv_lines([balance(_("Closing balance"), made.closing_minor)])


def _cells(row: StatementRow, account: Account) -> list[object]:
    line, currency = row.line, account.currency
    amounts = [major(minor, currency) for minor in (line.amount_minor, line.balance_minor)]
    times_and_ids = [to_rfc3339(line.at), line.payment_id, row.description, line.other_id]
    return [*times_and_ids, *amounts, currency]


def as_pdf(made: Statement) -> Iterator[bytes]:
    """On paper. Raises ``TooLongToPrintError``."""
    from backoffice.presenters.pdf import Sheet

    account = made.account
    sheet = Sheet(_("Statement of account %s") % account.account_number, made.made_at)
    facts = [
        (_("Period (UTC days)"), days(made.period).replace("\u2013", "-")),
        (_("Owner"), account.customer_id or ""),
        (_("Opening balance"), money(made.opening_minor, account.currency)),
        (_("Closing balance"), money(made.closing_minor, account.currency)),
    ]
    sheet.add_section(Section(heading=_("Balances"), lines=facts))
    columns = [
        Column(name=_("Time (UTC)"), width=30),
        Column(name=_("Description"), width=40),
        Column(name=_("Payment"), width=56),
        Column(name=_("Amount"), width=32, align="R"),
        Column(name=_("Balance"), width=32, align="R"),
    ]
    sheet.add_rows(columns, _printed(made))
    yield bytes(sheet.output())


def _printed(made: Statement) -> Iterator[list[str]]:
    for number, line in enumerate(made.lines()):
        if number == MOST_PRINTED:
            raise TooLongToPrintError
        (row,) = statement_rows([line], made.account.currency)
        at = f"{line.at:%Y-%m-%d %H:%M:%S}"
        yield [at, row.description, line.payment_id, row.amount, row.balance]


def receipt_title(payment: Payment) -> str:
    """What has moved nothing is no receipt, and says so."""
    return _("Receipt") if payment.is_processed() else _("Payment, not processed")


def receipt_pdf(payment: Payment, sections: Iterable[Section], at: datetime) -> bytes:
    from backoffice.presenters.pdf import printed

    return printed(receipt_title(payment), at, sections)


def receipt(payment: Payment, source: Account | None, target: Account | None) -> list[Section]:
    """Both sides of a payment, what it moved and when. Times are UTC."""
    told = [
        (_("Amount"), money(payment.amount, payment.currency)),
        (_("State"), said(payment.status)),
        (_("Why"), said(payment.failure_reason)),
        (_("Requested"), _time(payment.created_at)),
        (_("Processed"), _time(payment.processed_at)),
        (_("Description"), payment.description or ""),
        (_("Reference"), payment.reference or ""),
        (_("Merchant"), payment.merchant_id or ""),
        (_("Reverses"), payment.reverses or ""),
        (_("Reversed since"), money(payment.reversed_amount or None, payment.currency)),
        (_("Payment id"), payment.id),
    ]
    return [
        Section(heading=_("Payment"), lines=[line for line in told if line[1]]),
        _side(_("From"), payment.from_account_id, source),
        _side(_("To"), payment.to_account_id, target),
    ]


def _side(heading: str, account_id: str, account: Account | None) -> Section:
    known = []
    if account is not None:
        known = [(_("Account"), account.account_number), (_("Owner"), account.customer_id or "")]
    return Section(heading=heading, lines=[*known, (_("Account id"), account_id)])


def _time(at: datetime | None) -> str:
    return f"{date_format(at.astimezone(UTC), 'd M Y H:i:s')} UTC" if at else ""
