"""What the words and states on the pages mean, and how each role begins."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.permissions import Permission, Role

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word as it stands on the pages; its anchor in the help is made of it."""

    name: str
    about: "StrPromise"

    @property
    def anchor(self) -> str:
        return slugify(self.name)


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Terms of one subject, for whoever has the permission."""

    name: str
    terms: Sequence[Term]
    permission: Permission = Permission.USE_DASHBOARD

    @property
    def anchor(self) -> str:
        return slugify(self.name)


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What a role may do, and its first steps: sentences with the page of each."""

    role: Role
    about: "StrPromise"
    steps: Sequence[tuple["StrPromise", str]]


def chapters(may: Collection[str]) -> list[Chapter]:
    return [chapter for chapter in _CHAPTERS if chapter.permission in may]


def names() -> list[str]:
    return [term.name for chapter in _CHAPTERS for term in chapter.terms]


def guides(roles: Collection[str]) -> list[Guide]:
    return [guide for guide in _GUIDES if guide.role in roles]


def _chapter(
    name: str, terms: "dict[str, StrPromise]", permission: Permission = Permission.USE_DASHBOARD
) -> Chapter:
    listed = [Term(name=term, about=about) for term, about in terms.items()]
    return Chapter(name=name, terms=listed, permission=permission)


_CHAPTERS = [
    _chapter(
        gettext_noop("Payments"),
        {
            "requested": _("Somebody has asked for it. Who and when never changes."),
            "scheduled": _(
                "It is for a later UTC day, and is decided on that day as both accounts then "
                "stand. Nothing is held for it before."
            ),
            "pending": _("It waits for a second person, or for its day. It can still be canceled."),
            "approved": _("A supervisor who did not ask for it has agreed to it."),
            "processed": _(
                "The money has moved: out of one account and into the other, in one step. It "
                "cannot be canceled, only reversed."
            ),
            "failed": _(
                "A rule or a supervisor refused it. Nothing has moved, and the reason stands with "
                "it."
            ),
            "rejected": _(
                "A supervisor has refused it, in their own words. What was held is free again."
            ),
            "expired": _(
                "Nobody approved it in time. What was held is free again; ask for it anew if it "
                "is still wanted."
            ),
            "canceled": _("It was taken back before it was decided. What was held is free again."),
            "reversed": _(
                "It was given back, whole or in part, by another payment that names it. Both stay "
                "on record."
            ),
            "payment id": _(
                "It names a request before it is sent. The same id sent twice, by a double click "
                "or a lost connection, is carried out once."
            ),
        },
        Permission.READ_PAYMENTS,
    ),
    _chapter(
        gettext_noop("Accounts"),
        {
            "active": _("Money may leave and arrive. Of a person: they can sign in."),
            "frozen": _(
                "A supervisor has stopped what leaves, what arrives, or both, for a time or until "
                "it is unfrozen."
            ),
            "closed": _(
                "It is over for good and stays readable. An account closes empty, or with its "
                "rest moved in the same step."
            ),
            "locked": _(
                "Too many debits were refused in a row, so none is taken for a while. A "
                "supervisor can unlock it before."
            ),
            "balance": _("What is in the account, what is held included."),
            "available": _("What can be paid out now: the balance less what is held."),
            "held": _(
                "Reserved for a request that waits, so that it is not spent twice. On a record: a "
                "legal hold keeps it beyond its time."
            ),
            "limit": _("The most that an account may pay at a time, or in a UTC day."),
            "clearing": _(
                "The house's own account of a currency. Customers' money comes from it and goes "
                "to it, so all balances of a currency add up to zero."
            ),
            "major units": _(
                "Amounts as people write them: 1234.50 is always understood, and so is what your "
                "preferences say of numbers."
            ),
        },
        Permission.READ_ACCOUNTS,
    ),
    _chapter(
        gettext_noop("Work in the background"),
        {
            "queued": _("It is next as soon as a worker is free."),
            "running": _(
                "It is under way, and its page shows how far. Of a day: it is not over yet."
            ),
            "done": _("It is finished, and its result can be fetched."),
            "waiting": _("It did not get through and is tried again by itself."),
            "sent": _("The receiver has confirmed it."),
            "dead": _("It was tried too often and is left until somebody sends it again."),
        },
    ),
    _chapter(
        gettext_noop("Records"),
        {
            "success": _("It was carried out."),
            "failure": _("It was refused, or went wrong. The attempt is on record too."),
            "chain": _(
                "The entries about one account, payment or person. Each is bound to the one "
                "before, so nothing can be changed or taken out unnoticed."
            ),
            "UTC day": _(
                "A day as it runs in London without summer time. Limits and lists by day run by "
                "it, wherever you are."
            ),
        },
    ),
    _chapter(
        gettext_noop("The trail"),
        {
            "verified": _(
                "Every entry was read again and fits the one before it: unaltered, no gaps, "
                "nothing cut off."
            ),
            "faults found": _(
                "An entry is missing, or does not fit the one before. Do not delete anything, and "
                "tell those who run the system."
            ),
            "not verified yet": _("Nobody has read this chain again so far."),
            "sealed": _(
                "The day's entries are summed up in a signed seal, kept where nobody can change it."
            ),
            "missing": _("The day has no seal though it is over."),
            "in force": _("A legal hold keeps the records, in the archive too."),
            "release asked": _(
                "A reviewer asked to end the hold. It stays in force until a second one agrees."
            ),
            "released": _(
                "Two reviewers ended the hold. The records go when their retention is over."
            ),
            "signed": _("A reviewer has looked at every line of the day and put their name to it."),
            "missed": _("The day was to be signed by now, and nobody has."),
        },
        Permission.READ_TRAIL,
    ),
    _chapter(
        gettext_noop("Alerts and cases"),
        {
            "alert": _(
                "A rule has noticed something about a customer's payments. Nobody but compliance "
                "is to know."
            ),
            "case": _(
                "Alerts of one customer that are looked into and decided together. It is closed "
                "once it is decided."
            ),
            "open": _("Nobody works on it yet. Of a case or a day: it is not decided yet."),
            "assigned": _("A reviewer works on it."),
            "escalated": _("It is marked for those who decide."),
            "resolved": _("It has come to an outcome, and the reason is on record."),
            "overdue": _("It was due to be decided before now."),
        },
        Permission.READ_ALERTS,
    ),
    _chapter(
        gettext_noop("People"),
        {
            "role": _(
                "What somebody may do: teller, supervisor, compliance or admin. Compliance and "
                "admin each stand alone."
            ),
            "four eyes": _("Whoever asks for something large is not the one who approves it."),
            "second factor": _(
                "What you show besides your password: a code of an app, a passkey, or a recovery "
                "code."
            ),
            "disabled": _("They cannot sign in. What they did stays on record."),
        },
    ),
]

_YOURSELF = [
    (_("Add a second factor, so that your password alone lets nobody in."), "second_factor"),
    (_("Choose your time zone, and whether single keys are shortcuts."), "preferences"),
]
_MONEY = [
    (_("Open an account for a customer, empty or with a first balance."), "account_new"),
    (
        _("Try a transfer: you see both balances, now and afterwards, before you confirm."),
        "transfer_new",
    ),
    (_("See what became of it in the list of payments."), "payments"),
    (_("Hand in a file of many transfers: each row is tried before anything moves."), "bulk"),
]

_GUIDES = [
    Guide(
        role=Role.TELLER,
        about=_(
            "You open accounts and move money between them. What goes above a threshold waits "
            "for a supervisor, and you can take it back while it waits."
        ),
        steps=[*_YOURSELF, *_MONEY],
    ),
    Guide(
        role=Role.SUPERVISOR,
        about=_(
            "You do all that a teller does, decide what others asked for, reverse payments, "
            "and freeze, edit or close accounts. You never decide your own requests."
        ),
        steps=[
            *_YOURSELF,
            (_("Look at what waits for a second person, and decide it."), "approvals"),
            (_("Find an account: its page offers to freeze, edit or close it."), "accounts"),
            (_("Find a processed payment: its page offers to reverse it."), "payments"),
            *_MONEY[:2],
        ],
    ),
    Guide(
        role=Role.COMPLIANCE,
        about=_(
            "You see all money and the whole trail, and move nothing. You work on alerts, "
            "sign each day, hold records and hand out evidence."
        ),
        steps=[
            *_YOURSELF,
            (
                _(
                    "Take the oldest alert, assign it to yourself, and open a case where it needs "
                    "one."
                ),
                "alerts",
            ),
            (_("Look at yesterday's unusual lines, and sign the day."), "reviews"),
            (_("Search the trail by person, action or record."), "audit"),
            (_("Put together everything about one customer as an evidence pack."), "exports"),
        ],
    ),
    Guide(
        role=Role.ADMIN,
        about=_(
            "You decide who works here and what they may do. You see no accounts and no payments."
        ),
        steps=[
            *_YOURSELF,
            (
                _("Add a member of staff; they choose their own password at the first sign-in."),
                "staff_new",
            ),
            (_("See who is locked out or disabled, and help them."), "staff"),
            (_("Go through everybody's rights, and sign the list."), "staff_review"),
        ],
    ),
]
