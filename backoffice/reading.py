"""Reading leaves entries too: what a page shows, and the chain that remembers who saw it.

A look at one record belongs to the chain ``views:<entity id>``, so that "who looked at this
account" is one query; a search, an export and a look at the whole trail to the person's own chain.
Addresses say which record it is, so the chain's head is read together with session and person.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from audit import trail
from audit.context import Actor
from audit.trail import Event
from backoffice.staff.sessions import SessionStore
from dynamodb.errors import StoreError
from dynamodb.times import utc_now
from dynamodb.transactions import Transaction
from payments.identifiers import account_id, is_account_number

READ_ONLY = (".viewed", ".searched", ".exported")
"""How the actions of entries end that tell of reading."""

_REFUSED = HTTPStatus.UNPROCESSABLE_ENTITY
"""A refused form stands on the page of its record; a refused search has looked for nothing."""

_MOST_VALUES, _VALUE_LENGTH = 12, 100
"""What is remembered of an address: an entry stays small."""

_ENTITY_IDS: Mapping[str, Callable[[str], str]] = {
    "account": lambda named: account_id(named) if is_account_number(named) else named,
    "audit": lambda named: named.removeprefix("views:"),
    "customer": "customer:{}".format,
    "event": lambda named: f"events:{named.partition(':')[2]}",
    "export": "job:{}".format,
    "hold": "hold:{}".format,
    "job": "job:{}".format,
    "merchant": "merchant:{}".format,
    "review": "review:{}".format,
    "staff": "staff:{}".format,
}
"""How an address names a record, where that is not its entity id."""

_NOT_RECORDED = _(
    "The trail could not take down who sees this page, and without that it is not shown."
)


class NotRecordedError(StoreError):
    """Who sees a page could not be remembered, so it must not be shown."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a view lets people read: one kind of records, by themselves or as a list.

    ``viewing`` and ``exporting`` are always remembered, ``searching`` where it is narrowed. What
    is exported of the one record that is viewed belongs to the chain of its views.
    """

    viewing: str = ""
    searching: str = ""
    exporting: str = ""

    def begin(self, request: HttpRequest, named: Mapping[str, str]) -> "Look | None":
        """What this request would show; ``None`` for nothing that is remembered.

        To be called before the session is loaded. ``named`` is what the address says.
        """
        action = self._action(is_narrowed=bool(request.GET))
        if not action:
            return None
        session: SessionStore = request.session  # type: ignore[assignment]  # the engine of our settings
        chain, kind = f"person:{session.username}", "person"
        if self.viewing and named:
            (name,), kind = named.values(), self.viewing
            chain = f"views:{_ENTITY_IDS.get(kind, str)(name)}"
        session.reads_head = chain
        actor = Actor(id=session.username)
        event = Event(entity_id=chain, entity_type=kind, action=action, actor=actor)
        return Look(event=event, session=session, values=_query(request))

    def _action(self, *, is_narrowed: bool) -> str:
        if self.exporting:
            return f"{self.exporting}.exported"
        if self.viewing:
            return f"{self.viewing}.viewed"
        return f"{self.searching}.searched" if self.searching and is_narrowed else ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One person's look at something. A view may add ``values`` that its entry should tell."""

    event: Event
    session: SessionStore
    values: dict[str, Any] = field(default_factory=dict)

    def record(self, answer: HttpResponseBase) -> None:
        """Remember a look that shows something, and that the session is in use, in one request.

        Raises ``NotRecordedError``, and ``SessionInterrupted`` where the session was ended.
        """
        is_form = self.event.action.endswith(".viewed") and answer.status_code == _REFUSED
        if answer.status_code != HTTPStatus.OK and not is_form:
            return
        at = utc_now()
        known: dict[str, Any] = {"session": self.session.record}
        if self.session.heads:
            known["head"] = self.session.heads[self.event.entity_id]

        def add_last_seen(tx: Transaction) -> None:
            if known["session"] is None:
                raise SessionInterrupted
            tx.update_existing("session", known["session"], {"last_seen_at": at})

        try:
            trail.note(self.event, at=at, values=self.values, known=known, add=add_last_seen)
        except StoreError as error:
            raise NotRecordedError(_NOT_RECORDED) from error


def note_days(request: HttpRequest, days: Mapping[str, str]) -> None:
    """Say which days a look was at that names a period, which is another one each day."""
    look = getattr(request, "look", None)
    if look and "days" in request.GET:
        look.values.update(days)


def _query(request: HttpRequest) -> dict[str, Any]:
    """What stands in an address, cut; a cursor says nothing but that there was one."""
    asked = {name: value for name, value in request.GET.items() if value}
    if "cursor" in asked:
        asked["cursor"] = "given"
    asked.pop("newer", None)
    most = list(asked.items())[:_MOST_VALUES]
    return {name[:_VALUE_LENGTH]: value[:_VALUE_LENGTH] for name, value in most}
