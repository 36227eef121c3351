"""Payments, and the accounts on both their sides, as pages show them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.permissions import Permission
from backoffice.presenters.accounts import AccountView
from backoffice.presenters.tables import ACTIONS, Column, Table, link, pair, quiet, table
from backoffice.presenters.values import money, record_url, span, url_of
from backoffice.templatetags.backoffice import badge, escaped, ident, when
from backoffice.wording import said
from payments.models import Account, Payment

if TYPE_CHECKING:
    from backoffice.staff.models import Staff

_COLUMNS = (
    Column(label=gettext_noop("Requested")),
    Column(label=gettext_noop("Payment")),
    Column(label=gettext_noop("Amount"), css="money"),
    Column(label=gettext_noop("State"), term="payments"),
    Column(label=gettext_noop("From and to"), css="col-sides"),
    Column(label=gettext_noop("Customer / merchant"), css="wrap col-parties"),
    Column(label=gettext_noop("Description"), css="text col-words"),
    ACTIONS,
)


@dataclass(frozen=True)
class PaymentRow:
    """A payment in a list, or at the head of its own page."""

    payment: Payment

    @property
    def amount(self) -> str:
        return money(self.payment.amount, self.payment.currency)

    @property
    def held(self) -> str:
        """What the source holds for it while it waits."""
        return money(self.payment.reserved, self.payment.currency)

    @property
    def reversed(self) -> str:
        return money(self.payment.reversed_amount, self.payment.currency)

    @property
    def reversible(self) -> str:
        return money(self.payment.reversible, self.payment.currency)

    @property
    def url(self) -> str:
        return record_url(self.payment.id)

    @property
    def source(self) -> SafeString:
        return ident(self.payment.ends[0], record_url(self.payment.from_account_id), short=True)

    @property
    def target(self) -> SafeString:
        return ident(self.payment.ends[1], record_url(self.payment.to_account_id), short=True)

    @property
    def customer_url(self) -> str:
        return url_of("admin:customer", self.payment.customer_id or "")

    @property
    def merchant_url(self) -> str:
        return url_of("admin:merchant", self.payment.merchant_id or "")

    @property
    def reverses_url(self) -> str:
        return record_url(self.payment.reverses)

    @property
    def reversed_by_url(self) -> str:
        return record_url(self.payment.reversed_by)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of a payment's accounts; ``shown`` is ``None`` where there is no such account."""

    label: str
    account_id: str
    shown: AccountView | None


def payment_table(rows: Iterable[PaymentRow], person: "Staff") -> Table:
    """Payments with what this person may do with each."""
    may_reverse = person.has_perm(Permission.REVERSE_PAYMENTS)
    may_review = person.has_perm(Permission.READ_APPROVALS)

    def actions(payment: Payment) -> str:
        if may_reverse and payment.is_processed():
            return link(url_of("admin:payment_reverse", payment.id), _("Reverse"))
        if may_review and payment.can_cancel():
            return link(url_of("admin:approval", payment.id), _("Review"))
        return ""

    return table(_COLUMNS, ((*_cells(row), actions(row.payment)) for row in rows))


def _cells(row: PaymentRow) -> Iterator[str]:
    payment = row.payment
    yield when(payment.created_at)
    yield ident(payment.id, row.url, short=True)
    yield row.amount
    yield badge(payment.status)
    yield pair(row.source, row.target)
    customer = link(row.customer_url, payment.customer_id or "") or quiet(_("no customer"))
    yield pair(customer, link(row.merchant_url, payment.merchant_id or ""))
    yield pair(_reason(payment), payment.description or "")


def _reason(payment: Payment) -> str:
    if not payment.failure_code:
        return ""
    reason, code = escaped(said(payment.failure_reason)), escaped(payment.failure_code)
    return SafeString(f'<span class="reason">{reason} <code>{code}</code></span>')


def waiting_note(payment: Payment) -> str:
    """That an opening balance is not there yet, and where it is."""
    return format_html(
        _("The opening balance waits for a supervisor's approval: {payment}."),
        payment=ident(payment.id, record_url(payment.id), short=True),
    )


def twin_note(twin: Payment, at: datetime) -> str:
    """That the same was sent before, when, and where it is."""
    return format_html(
        _(
            "The same amount was sent from this account to that one {age} ago, on {time}: "
            "{payment} {state}. Be sure that it is to be sent again."
        ),
        age=span(twin.created_at, at),
        time=when(twin.created_at),
        payment=ident(twin.id, record_url(twin.id), short=True),
        state=badge(twin.status),
    )


def side(label: str, account_id: str, account: Account | None) -> Side:
    shown = AccountView(account) if account else None
    return Side(label=label, account_id=account_id, shown=shown)
