"""Entries of the trail in words, with what they changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext, pgettext_lazy

from audit.masking import MASK
from audit.models import AuditLog, EntryOutcome
from audit.queries import TrailFilter
from backoffice.presenters.tables import Column, Table, link, pair, table
from backoffice.presenters.values import money, record_url, url_of
from backoffice.templatetags.backoffice import badge, escaped, ident, in_words, when
from backoffice.wording import said
from dynamodb.pages import Page

_FEW = 2
_AMOUNTS = frozenset({
    "amount", "balance", "day_limit", "held", "reserved", "reversed_amount", "transfer_limit",
})  # fmt: skip
_WORDED = frozenset({
    "account_type", "error", "factors", "failure_reason", "frozen_direction", "kind", "outcome",
    "roles", "rule", "sentence", "title", "triggers",
})  # fmt: skip
"""Values that programs word. All others are shown as they were typed."""
_ASKED = {
    "from": pgettext_lazy("day", "From"),
    "to": pgettext_lazy("day", "To"),
    "q": gettext_lazy("Searched for"),
}
"""Of what somebody has looked at, as addresses name it."""
_MOVEMENTS = frozenset({"account.credited", "account.debited"})


_COLUMNS = (
    Column(label=gettext_noop("When")),
    Column(label=gettext_noop("What")),
    Column(label=gettext_noop("On and reference"), css="wrap"),
    Column(label=gettext_noop("By"), css="narrow"),
    Column(label=gettext_noop("Outcome")),
    Column(label=gettext_noop("Fields"), css="quiet narrow"),
)


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value as it is shown. ``kind`` is one of text, time, state and id."""

    text: str
    kind: str = "text"
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A field that an entry tells of. A value that was not there is ``None``."""

    label: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """An entry in words: *Account debited 25.00 USD*.

    ``seq`` is its number in its chain and its anchor there; ``chain_url`` leads to it.
    """

    entry: AuditLog
    words: str
    seq: int
    is_failure: bool
    record_url: str
    person_url: str
    action_url: str
    reference_url: str
    chain_url: str
    reason: str = ""
    reason_code: str = ""
    fields: tuple[str, ...] = ()
    changes: list[Change] = field(default_factory=list)

    @property
    def fields_summary(self) -> str:
        """Names of a few fields, a count of many."""
        if len(self.fields) <= _FEW:
            return ", ".join(self.fields)
        number = len(self.fields)
        return ngettext("{number} field", "{number} fields", number).format(number=number)


def entry_table(rows: Iterable[EntryRow]) -> Table:
    return table(_COLUMNS, map(_cells, rows))


def _cells(row: EntryRow) -> Iterator[str]:
    entry = row.entry
    yield when(entry.at)
    code = SafeString(f"<code>{escaped(entry.action)}</code>")
    yield pair(link(row.chain_url, row.words), link(row.action_url, code, css="quiet narrow"))
    reference = entry.reference and ident(entry.reference, row.reference_url, short=True)
    yield pair(ident(entry.entity_id, row.record_url or row.chain_url, short=True), reference or "")
    yield link(row.person_url, entry.user_id)
    yield badge(entry.outcome)
    names = escaped(", ".join(row.fields))
    yield SafeString(f'<span title="{names}">{escaped(row.fields_summary or "–")}</span>')


def entry_rows(entries: Iterable[AuditLog], *, currency: str = "") -> list[EntryRow]:
    """Entries in words, in the order given. Rows of an index carry no values, so no amounts.

    ``currency`` is what amounts are in where an entry does not say so itself.
    """
    return [_row(entry, currency) for entry in entries]


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """How far the trail has been looked through, so that a short page never passes for all."""

    is_complete: bool
    sentence: str


def completeness(
    page: Page[Any], *, is_first: bool, wanted: TrailFilter | None = None
) -> Completeness:
    days = len(wanted.days) if wanted else 0
    if page.next_cursor or page.last_cursor or (page.back_cursor and not page.rows):
        if days > 1:
            told = _("{queries_done} of {days} days have been read to their end so far.")
            sentence = told.format(queries_done=page.queries_done, days=days)
        else:
            is_cut = page.examined > len(page.rows)
            older = _("have not been looked through yet") if is_cut else _("follow")
            sentence = _("Older entries {older}.").format(older=older)
        return Completeness(is_complete=False, sentence=sentence)
    if not is_first:
        return Completeness(is_complete=True, sentence=_("This is the last page."))
    count = len(page.rows)
    told = ngettext("{count} entry, all of them here.", "{count} entries, all of them here.", count)
    return Completeness(is_complete=True, sentence=told.format(count=count))


def currency_of(entries: Iterable[AuditLog]) -> str:
    """The currency that some entry of a chain names; empty where none does."""
    named = (str((entry.new_values or {}).get("currency", "")) for entry in entries)
    return next(filter(None, named), "")


def chain_url(entity_id: str, timestamp: str = "") -> str:
    """The chain of an entity; with a timestamp, from that entry on and scrolled to it."""
    url = url_of("admin:audit_chain", entity_id)
    if not timestamp:
        return url
    return f"{url}?{urlencode({'entry': timestamp})}#entry-{_seq(timestamp)}"


def _row(entry: AuditLog, currency: str) -> EntryRow:
    old, new = entry.old_values or {}, entry.new_values or {}
    currency = str(new.get("currency") or currency)
    return EntryRow(
        entry=entry,
        words=_words(entry.action, old, new, currency),
        seq=_seq(entry.timestamp),
        is_failure=entry.outcome != EntryOutcome.SUCCESS,
        record_url=record_url(entry.entity_id),
        person_url=_search_url(user_id=entry.user_id),
        action_url=_search_url(action=entry.action),
        reference_url=record_url(entry.reference),
        chain_url=chain_url(entry.entity_id, entry.timestamp),
        reason=said(new.get("failure_reason") or new.get("sentence"))
        or str(new.get("reason") or ""),
        reason_code=str(new.get("failure_code") or new.get("code") or ""),
        fields=tuple(label(name) for name in entry.changes or ()),
        changes=[
            Change(
                label=label(name),
                before=_value(name, old.get(name), currency),
                after=_value(name, new.get(name), currency),
            )
            for name in sorted(old.keys() | new.keys())
        ],
    )


@lru_cache
def _search_url(**wanted: str) -> str:
    return f"{reverse('admin:audit')}?{urlencode(wanted)}"


def _words(action: str, old: dict[str, Any], new: dict[str, Any], currency: str) -> str:
    words = in_words(action)
    moved = new.get("balance", new.get("amount"))
    if action in _MOVEMENTS and type(moved) is int and type(old.get("balance")) is int:
        moved = abs(moved - old["balance"])
    if not currency or type(moved) is not int or not moved:
        return words
    amount = money(moved, currency)
    if action == "account.opened":
        return _("{what} with {amount}").format(what=words, amount=amount)
    return f"{words} {amount}"


def _value(name: str, value: Any, currency: str) -> Value | None:
    if value is None:
        return None
    if name in _AMOUNTS and type(value) is int and currency:
        return Value(text=money(value, currency))
    if isinstance(value, list):
        return Value(text=said(value) if name in _WORDED else ", ".join(map(str, value)))
    if isinstance(value, bool):
        return Value(text=_("yes") if value else _("no"))
    if value == MASK:
        return Value(text=MASK)
    kind = "time" if name.endswith(("_at", "_until")) else "state" if name == "status" else "text"
    url = record_url(value) if isinstance(value, str) else ""
    text = said(value) if name in _WORDED else str(value)
    return Value(text=text, kind="id" if url else kind, url=url)


def label(name: str) -> str:
    if name in _ASKED:
        return str(_ASKED[name])
    return said(name.removesuffix("_id").replace("_", " ").capitalize())


def _seq(timestamp: str) -> int:
    """An entry's number, which its timestamp ends with; 0 where somebody wrote it otherwise."""
    number = timestamp.partition("#")[2]
    return int(number) if number.isdecimal() else 0
