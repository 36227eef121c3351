"""Accounts and their movements as a page shows them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.urls import reverse

from audit.models import AuditLog
from backoffice.presenters.audit import Change, EntryRow, entry_rows
from backoffice.presenters.values import money, record_url
from payments.history import Standing
from payments.models import Account
from payments.transfers import Preview


@dataclass(frozen=True)
class AccountView:
    """An account with its amounts in words."""

    account: Account

    @property
    def url(self) -> str:
        return record_url(self.account.id)

    @property
    def owner_url(self) -> str:
        return reverse("admin:customer", args=[self.account.customer_id])

    @property
    def balance(self) -> str:
        return self._money(self.account.balance)

    @property
    def available(self) -> str:
        return self._money(self.account.available)

    @property
    def held(self) -> str:
        return self._money(self.account.held)

    def _money(self, amount_minor: int) -> str:
        return money(amount_minor, self.account.currency)


@dataclass(frozen=True, kw_only=True)
class Movement:
    """A posting on an account, from its chain. ``amount`` begins with ``+`` or ``-``."""

    entry: AuditLog
    amount: str
    balance: str
    payment_url: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """One end of a transfer that waits to be confirmed: its account before and after."""

    name: str
    before: AccountView
    after: AccountView


def movements(entries: Iterable[AuditLog], currency: str) -> list[Movement]:
    """The entries that moved money, in the order given."""
    return [_movement(entry, currency) for entry in entries if _moved(entry)]


def sides(preview: Preview) -> list[Side]:
    """Both accounts of a transfer, as they stand and as it would leave them."""
    source, target, posting = preview.source, preview.target, preview.posting
    return [
        _side("From", source, source.with_changes(posting.source)),
        _side("To", target, target.with_changes(posting.target)),
    ]


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


def _side(name: str, before: Account, after: Account) -> Side:
    return Side(name=name, before=AccountView(before), after=AccountView(after))


def _movement(entry: AuditLog, currency: str) -> Movement:
    moved = _moved(entry)
    return Movement(
        entry=entry,
        amount="+" * (moved > 0) + money(moved, currency),
        balance=money(_balance(entry.new_values), currency),
        payment_url=record_url(entry.reference),
    )


def _moved(entry: AuditLog) -> int:
    """By how many minor units an entry changed the balance."""
    return _balance(entry.new_values) - _balance(entry.old_values) if entry.reference else 0


def _balance(values: dict[str, object] | None) -> int:
    balance = (values or {}).get("balance", 0)
    return balance if isinstance(balance, int) else 0
