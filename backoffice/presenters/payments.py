"""Payments, and the accounts on both their sides, as pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.urls import NoReverseMatch
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from backoffice.presenters.accounts import AccountView
from backoffice.presenters.values import money, record_url, url_of
from backoffice.templatetags.backoffice import badge, ident, when
from payments.models import Account, Payment


@dataclass(frozen=True, kw_only=True)
class PaymentRow:
    """A payment in a list, or at the head of its own page."""

    payment: Payment
    amount: str
    url: str
    from_url: str
    to_url: str
    customer_url: str
    merchant_url: str
    reverses_url: str
    reversed_by_url: str

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


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of a payment's accounts; ``shown`` is ``None`` where there is no such account."""

    label: str
    account_id: str
    shown: AccountView | None


def payment_row(payment: Payment) -> PaymentRow:
    return PaymentRow(
        payment=payment,
        amount=money(payment.amount, payment.currency),
        url=record_url(payment.id),
        from_url=record_url(payment.from_account_id),
        to_url=record_url(payment.to_account_id),
        customer_url=party_url("customer", payment.customer_id),
        merchant_url=party_url("merchant", payment.merchant_id),
        reverses_url=record_url(payment.reverses),
        reversed_by_url=record_url(payment.reversed_by),
    )


def payment_rows(payments: Iterable[Payment]) -> list[PaymentRow]:
    return [payment_row(payment) for payment in payments]


def twin_note(twin: Payment, at: datetime) -> str:
    """That the same was sent before, when, and where it is."""
    is_now = at - twin.created_at < timedelta(minutes=1)
    age = _("less than a minute") if is_now else timesince(twin.created_at, at, depth=1)
    return format_html(
        _(
            "The same amount was sent from this account to that one {age} ago, on {time}: "
            "{payment} {state}. Be sure that it is to be sent again."
        ),
        age=age,
        time=when(twin.created_at),
        payment=ident(twin.id, record_url(twin.id), short=True),
        state=badge(twin.status),
    )


def side(label: str, account_id: str, account: Account | None) -> Side:
    shown = AccountView(account) if account else None
    return Side(label=label, account_id=account_id, shown=shown)


def party_url(kind: Literal["customer", "merchant"], party_id: str | None) -> str:
    """The page of a customer or merchant; empty for none, or one whose id no address can hold."""
    try:
        return url_of(f"admin:{kind}", party_id) if party_id else ""
    except NoReverseMatch:
        return ""
