"""Accounts and their movements as a page shows them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit.models import AuditLog
from backoffice.forms.lifecycle import DIRECTIONS
from backoffice.permissions import Permission
from backoffice.presenters.audit import Change, EntryRow, entry_rows
from backoffice.presenters.tables import ACTIONS, Column, Table, joined, link, table
from backoffice.presenters.values import money, record_url, signed, url_of
from backoffice.templatetags.backoffice import badge, ident, when
from backoffice.wording import said
from payments.history import statements
from payments.history.timeline import Standing
from payments.models import Account, AccountStatus, FrozenDirection
from payments.role_limits import Limits
from payments.rules import Maker
from payments.transfers import Preview

if TYPE_CHECKING:
    from backoffice.staff.models import Staff

_COLUMNS = (
    Column(label=gettext_noop("Number")),
    Column(label=gettext_noop("Owner"), css="col-owner"),
    Column(label=gettext_noop("Type"), css="col-type"),
    Column(label=gettext_noop("State"), term="accounts"),
    Column(label=gettext_noop("Balance"), css="money"),
    Column(label=gettext_noop("Available"), css="money col-available"),
    Column(label=gettext_noop("Opened"), css="col-opened"),
    ACTIONS,
)


@dataclass(frozen=True)
class AccountView:
    """An account with its amounts in words."""

    account: Account

    @property
    def url(self) -> str:
        return record_url(self.account.id)

    @property
    def owner_url(self) -> str:
        return url_of("admin:customer", self.account.customer_id)

    @property
    def balance(self) -> str:
        return self.money(self.account.balance)

    @property
    def available(self) -> str:
        return self.money(self.account.available)

    @property
    def held(self) -> str:
        return self.money(self.account.held)

    @property
    def transfer_limit(self) -> str:
        return self.money(self.account.transfer_limit)

    @property
    def day_limit(self) -> str:
        return self.money(self.account.day_limit)

    @property
    def frozen(self) -> str:
        """What a freeze stops, as its form says it."""
        return str(dict(DIRECTIONS).get(str(self.account.frozen_direction), ""))

    @property
    def can_be_managed(self) -> bool:
        """The house's own accounts stay as they are, and so do closed ones."""
        return not self.account.is_system and self.account.status != AccountStatus.CLOSED

    def money(self, amount_minor: int | None) -> str:
        return money(amount_minor, self.account.currency)


def account_table(accounts: Iterable[AccountView], person: "Staff") -> Table:
    """Accounts with what this person may do with each."""
    may_transfer = person.has_perm(Permission.RUN_TRANSFERS)
    may_manage = person.has_perm(Permission.MANAGE_ACCOUNTS)
    transfer_url, pay, freeze = reverse("admin:transfer_new"), _("Transfer"), _("Freeze")

    def actions(shown: AccountView) -> Iterator[str]:
        if may_transfer and shown.account.is_active():
            yield link(f"{transfer_url}?from_account_id={shown.account.account_number}", pay)
        if may_manage and shown.can_be_managed:
            yield link(url_of("admin:account_freeze", shown.account.id), freeze)

    return table(_COLUMNS, ((*_cells(shown), joined(*actions(shown))) for shown in accounts))


def _cells(shown: AccountView) -> Iterator[str]:
    account = shown.account
    yield ident(account.account_number, shown.url)
    yield ident(account.customer_id, shown.owner_url)
    yield said(account.account_type)
    yield badge(account.status)
    yield shown.balance
    yield shown.available
    yield when(account.created_at)


@dataclass(frozen=True, kw_only=True)
class State:
    """What stands in the way of an account's money at a time: no freeze that has ended."""

    status: AccountStatus
    is_frozen: bool
    is_thawed: bool
    is_locked: bool
    can_pay: bool
    can_receive: bool

    @classmethod
    def of(cls, account: Account, at: datetime) -> "State":
        status = account.status_at(at)
        return cls(
            status=status,
            is_frozen=status == AccountStatus.FROZEN,
            is_thawed=status != account.status,
            is_locked=account.is_locked(at),
            can_pay=account.takes(FrozenDirection.DEBITS, at) and not account.is_locked(at),
            can_receive=account.takes(FrozenDirection.CREDITS, at),
        )


@dataclass(frozen=True, kw_only=True)
class Movement:
    """A posting on an account, from its chain. ``amount`` begins with ``+`` or ``-``."""

    entry: AuditLog
    amount: str
    balance: str
    payment_url: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """An amount of an account now and afterwards; ``after`` is empty where nobody can say."""

    label: str
    now: str
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One end of a transfer that is still to be decided: its account, and what would change."""

    name: str
    account: AccountView
    lines: list[Line]


def movements(entries: Iterable[AuditLog], currency: str) -> list[Movement]:
    """The entries that moved money, in the order given."""
    return [
        Movement(
            entry=entry,
            amount=signed(line.amount_minor, currency),
            balance=money(line.balance_minor, currency),
            payment_url=record_url(entry.reference),
        )
        for entry in entries
        if (line := statements.line_of(entry))
    ]


def sides(preview: Preview) -> list[Side]:
    """Both accounts of a transfer, as they stand and as it would leave them."""
    source, target, posting = preview.source, preview.target, preview.posting
    if not posting.source:
        return unchanged(source, target)
    limit = AccountView(source).money(source.day_limit)
    paid = _("Paid today, of at most {limit}").format(limit=limit) if limit else _("Paid today")
    return [
        _side(_("From"), source, posting.source, {paid: "day_debits"}),
        _side(_("To"), target, posting.target, {_("Received today"): "day_credits"}),
    ]


def asked_today(maker: Maker | None, currency: str) -> str:
    """What a person has asked for today and may; empty where nothing limits them."""
    if maker is None or maker.limits == Limits():
        return ""
    day = money(maker.limits.day, currency) or _("any sum")
    at_a_time = money(maker.limits.transfer, currency) or _("any sum")
    told = _("{asked}; your role allows {day} in a day, {at_a_time} at a time")
    return told.format(asked=money(maker.asked_minor, currency), day=day, at_a_time=at_a_time)


@dataclass(frozen=True, kw_only=True)
class Stood:
    """An account at a past instant; ``row`` is the entry that made it so, if it was open."""

    row: EntryRow | None = None
    values: list[Change] = field(default_factory=list)
    unknown: str = ""


def stood(standing: Standing | None, account: Account) -> Stood:
    if standing is None:
        return Stood()
    told = standing.entry.with_changes({"old_values": None, "new_values": standing.values})
    made, values = entry_rows([standing.entry, told], currency=account.currency)
    unknown = ", ".join(sorted(name.replace("_", " ") for name in standing.unknown))
    return Stood(row=made, values=values.changes, unknown=unknown)


def unchanged(source: Account | None, target: Account | None) -> list[Side]:
    """Both accounts as they stand, those that are there."""
    return [
        _side(name, account, {}, {})
        for name, account in ((_("From"), source), (_("To"), target))
        if account is not None
    ]


def _side(name: str, account: Account, changes: dict[str, Any], day_totals: dict[str, str]) -> Side:
    before, after = AccountView(account), AccountView(account.with_changes(changes))
    moved = abs(changes.get("balance", account.balance) - account.balance)
    lines = [
        Line(label=_("Balance"), now=before.balance, after=after.balance * bool(changes)),
        Line(label=_("Available"), now=before.available, after=after.available * bool(changes)),
    ]
    lines += [
        Line(label=label, now=before.money(total - moved), after=before.money(total))
        for label, total_name in day_totals.items()
        if (total := changes.get(total_name)) is not None
    ]
    return Side(name=name, account=before, lines=lines)
