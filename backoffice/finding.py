"""Where a text leads: records, pages and actions, each only for whoever may see it.

What somebody may not see is not looked for, so nothing tells it from what is not there.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.models import AuditLog
from backoffice import glossary
from backoffice.permissions import Permission, StaffRequest
from backoffice.presenters.accounts import AccountView
from backoffice.presenters.values import money, url_of
from backoffice.staff.models import Staff
from backoffice.staff.queries import as_username
from backoffice.staff.records import StaffRecord
from backoffice.staff.services import views_of
from backoffice.wording import table
from dynamodb import store
from dynamodb.models import Record
from dynamodb.pages import Query, read_page
from payments import directory, queries
from payments.alerts.records import Alert, Case
from payments.identifiers import draw, is_account_id, is_account_number, is_payment_id
from payments.models import Account, IdempotencyKey, Payment

_RECENT, _LOOKED_THROUGH = 8, 100

_PAGES = {
    "account": (_("Account"), Permission.READ_ACCOUNTS),
    "payment": (_("Payment"), Permission.READ_PAYMENTS),
    "customer": (_("Customer"), Permission.READ_PAYMENTS),
    "merchant": (_("Merchant"), Permission.READ_PAYMENTS),
    "alert": (_("Alert"), Permission.READ_ALERTS),
    "case": (_("Case"), Permission.READ_ALERTS),
    "audit_chain": (_("Audit chain"), Permission.READ_TRAIL),
    "staff_person": (_("Staff"), Permission.READ_STAFF),
}
"""Pages of a record by their addresses, what each shows, and who may see it."""

_PREFIX = re.compile("(customer|merchant|staff):")
"""What entity ids begin with where addresses do not."""

_MORE_PLACES = table("navigation")["more"]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One place to go to: what it is, its name, and a few words about it."""

    kind: str
    name: str
    url: str
    about: str = ""


def places(text: str, *, person: Staff, navigation: list[Any]) -> list[Hit]:
    """Pages and actions whose names hold every word of the text."""
    found = []
    for section in navigation:
        for each in section["models"]:
            found.append(Hit(kind=section["name"], name=each["name"], url=each["admin_url"]))
            if each["add_url"]:
                found.append(Hit(kind=str(_("Action")), name=each["add_name"], url=each["add_url"]))
    found += [
        Hit(kind=str(_("Page")), name=gettext(each["name"]), url=reverse(each["page"]))
        for each in _MORE_PLACES
        if navigation and person.has_perm(Permission(each["permission"]))
    ]
    if navigation:
        views = views_of(person.record)
        found += [Hit(kind=str(_("Saved view")), name=name, url=url) for name, url in views]
    words = text.casefold().split()
    found += _explained(person) if words else []
    return [hit for hit in found if all(word in hit.name.casefold() for word in words)]


def _explained(person: Staff) -> list[Hit]:
    """Words that the help explains."""
    page = reverse("admin:help")
    return [
        Hit(
            kind=str(_("Help")),
            name=term.name,
            url=f"{page}#{term.anchor}",
            about=gettext(term.about),
        )
        for chapter in glossary.chapters(person.get_all_permissions())
        for term in chapter.terms
    ]


def records(text: str, *, person: Staff) -> list[Hit]:
    """Records that a number or id leads to, in at most five requests."""
    name = _PREFIX.sub("", text, count=1)
    hits = [_hit(record) for record in _by_key(name, person)]
    hits = hits or [
        _page(address, named) for address, named in _listing(text, name, person).items()
    ]
    return [hit for hit in hits if hit]


def recent(*, person: Staff) -> list[Hit]:
    """What somebody has looked at of late, newest first, in two requests."""
    looks = read_page(
        [Query(model=AuditLog, index="user-index", partition=person.username)],
        person=person.username,
        rows=_LOOKED_THROUGH,
        keep=lambda entry: entry.action.endswith(".viewed"),
        kept_by=("viewed",),
    )
    seen: dict[str, AuditLog] = {}
    for look in looks.rows:
        if _PAGES.get(_address(look)) and person.has_perm(_PAGES[_address(look)][1]):
            seen.setdefault(
                look.entity_id, AuditLog(entity_id=look.entity_id, timestamp=look.timestamp)
            )
    entries = [entry for entry in store.get_many(list(seen.values())[:_RECENT]) if entry]
    return [hit for hit in map(_looked_at, entries) if hit]


def note_known_as(request: StaffRequest, record: Account | Payment) -> None:
    """Let the entry of who sees a record say what people call it."""
    if request.look:
        request.look.values["known_as"] = _known_as(record)


def _known_as(record: Account | Payment) -> str:
    if isinstance(record, Account):
        return str(record.account_number)
    return money(record.amount, record.currency)


def _address(look: AuditLog) -> str:
    return str(look.action).removesuffix(".viewed").replace("staff", "staff_person")


def _looked_at(look: AuditLog) -> Hit | None:
    name = _PREFIX.sub("", look.entity_id.removeprefix("views:"), count=1)
    shown = str((look.new_values or {}).get("known_as", ""))
    return _page(_address(look), name, shown, name if shown else "")


def _by_key(text: str, person: Staff) -> list[Record]:
    """Whatever has the text as its key, or was asked for under it."""
    if is_account_id(text):
        found = queries.get_account(text) if person.has_perm(Permission.READ_ACCOUNTS) else None
        return [found] if found else []
    number = text if is_account_number(text) else draw(text)
    asked = directory.payment_key(text) if is_payment_id(text) else IdempotencyKey(key=text)
    keys: list[tuple[Permission, Record | None]] = [
        (Permission.READ_ACCOUNTS, directory.account_key(number)),
        (Permission.READ_PAYMENTS, asked),
        (Permission.READ_STAFF, StaffRecord(username=as_username(text))),
        (Permission.READ_ALERTS, Alert(id=text)),
        (Permission.READ_ALERTS, Case(id=text)),
    ]
    wanted = [key for permission, key in keys if key is not None and person.has_perm(permission)]
    return [record for record in store.get_many(wanted) if record and _is_named(record, text)]


def _is_named(record: Record, text: str) -> bool:
    """Leave out the account whose number a request of this name would have drawn, and had not."""
    if isinstance(record, Account):
        return text in (record.account_number, record.request_id)
    return True


def _hit(record: Record) -> Hit | None:
    match record:
        case Account():
            about = f"{AccountView(record).balance}, {record.customer_id}, {record.status}"
            return _page("account", record.id, _known_as(record), about)
        case Payment():
            about = f"{record.status}: {record.description or record.id}"
            return _page("payment", record.id, _known_as(record), about)
        case IdempotencyKey():
            return _page("payment", record.payment_id)
        case StaffRecord():
            return _page("staff_person", record.username, about=record.full_name or "")
        case Alert() | Case():
            return _page(type(record).__name__.lower(), record.id, about=record.customer_id)
    return None


def _listing(text: str, name: str, person: Staff) -> dict[str, str]:
    """Pages of a customer, a merchant or a chain of the trail, with the name they have there."""
    asked: list[tuple[str, Query[Any]]] = [
        ("customer", Query(model=Account, index="customer-index", partition=name)),
        ("customer", Query(model=Payment, index="customer-index", partition=name)),
        ("merchant", Query(model=Payment, index="merchant-index", partition=name)),
        ("audit_chain", Query(model=AuditLog, partition=text)),
    ]
    return {
        address: query.partition
        for address, query in asked
        if person.has_perm(_PAGES[address][1]) and read_page([query], person="", rows=1).rows
    }


def _page(address: str, name: str, shown: str = "", about: str = "") -> Hit | None:
    """The page of a record; ``None`` for a name that no address can hold."""
    url = url_of(f"admin:{address}", name)
    hit = Hit(kind=str(_PAGES[address][0]), name=shown or name, url=url, about=about)
    return hit if url else None
