"""The admin site without SQL: its shell, navigation by permission, a person's recent actions."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib.admin import AdminSite, site
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_noop as _

from audit import queries
from backoffice.permissions import Permission
from backoffice.presenters.audit import EntryRow, entry_rows
from backoffice.reading import READ_ONLY

RECENT_ACTIONS = 10


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the navigation: a page by the name of its address.

    With words ``about`` it, it is a card of the dashboard too. ``new`` is the page to make one
    on, ``new_label`` what its button says. ``count`` is the address of a number that loads on its
    own and stands beside the name. ``key`` is the letter that leads there, typed after a g.
    """

    name: str
    page: str
    permission: Permission
    about: str = ""
    new: str = ""
    new_label: str = ""
    new_permission: Permission | None = None
    count: str = ""
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    name: str
    entries: tuple[Entry, ...]


NAVIGATION = (
    Section(
        name=_("Money"),
        entries=(
            Entry(
                name=_("Accounts"),
                about=_("Whose money is where, what moved, and what became of each account."),
                page="admin:accounts",
                key="a",
                permission=Permission.READ_ACCOUNTS,
                new="admin:account_new",
                new_label=_("Open an account"),
                new_permission=Permission.OPEN_ACCOUNTS,
            ),
            Entry(
                name=_("New transfer"),
                about=_(
                    "Move money between two accounts. You see both balances before you confirm."
                ),
                page="admin:transfer_new",
                key="t",
                permission=Permission.RUN_TRANSFERS,
            ),
            Entry(
                name=_("Bulk transfers"),
                about=_("Many transfers from one file, tried row by row before anything moves."),
                page="admin:bulk",
                permission=Permission.RUN_TRANSFERS,
            ),
            Entry(
                name=_("Payments"),
                about=_("What was asked for, what became of it, and why where it failed."),
                page="admin:payments",
                key="p",
                permission=Permission.READ_PAYMENTS,
            ),
            Entry(
                name=_("Events"),
                page="admin:events",
                permission=Permission.MANAGE_EVENTS,
            ),
            Entry(
                name=_("Approvals"),
                about=_("What waits for a second person, and what would become of both accounts."),
                page="admin:approvals",
                key="o",
                permission=Permission.READ_APPROVALS,
                count="admin:approvals_count",
            ),
        ),
    ),
    Section(
        name=_("Compliance"),
        entries=(
            Entry(
                name=_("Alerts"),
                about=_("What was noticed about payments, until when it is due, and its outcome."),
                page="admin:alerts",
                key="l",
                permission=Permission.READ_ALERTS,
                count="admin:alerts_count",
            ),
            Entry(
                name=_("Cases"),
                about=_("Related alerts of a customer, looked into and decided together."),
                page="admin:cases",
                key="c",
                permission=Permission.READ_ALERTS,
            ),
        ),
    ),
    Section(
        name=_("Trail"),
        entries=(
            Entry(
                name=_("Audit trail"),
                about=_("Everything that was done or refused: by whom, when, on what."),
                page="admin:audit",
                key="u",
                permission=Permission.READ_TRAIL,
            ),
            Entry(
                name=_("Evidence packs"),
                page="admin:exports",
                permission=Permission.EXPORT_TRAIL,
            ),
            Entry(
                name=_("Daily reviews"),
                about=_(
                    "What was unusual yesterday, to be looked at and signed; days nobody signed."
                ),
                page="admin:reviews",
                key="r",
                permission=Permission.REVIEW_DAYS,
            ),
            Entry(
                name=_("Seals"),
                about=_("A signed seal for each day of the trail, locked in the archive."),
                page="admin:seals",
                permission=Permission.VERIFY_TRAIL,
            ),
            Entry(
                name=_("Legal holds"),
                about=_("What must be kept beyond its time, and whose release two people decide."),
                page="admin:holds",
                key="h",
                permission=Permission.MANAGE_HOLDS,
                new="admin:hold_new",
                new_label=_("Set a hold"),
                new_permission=Permission.MANAGE_HOLDS,
            ),
        ),
    ),
    Section(
        name=_("People"),
        entries=(
            Entry(
                name=_("Staff"),
                about=_(
                    "Who works here, what they may do, and since when. Signed off in a review."
                ),
                page="admin:staff",
                key="s",
                permission=Permission.READ_STAFF,
                new="admin:staff_new",
                new_label=_("Add a member of staff"),
                new_permission=Permission.MANAGE_STAFF,
            ),
        ),
    ),
    Section(
        name=_("You"),
        entries=(
            Entry(
                name=_("Jobs"),
                page="admin:jobs",
                key="j",
                permission=Permission.USE_DASHBOARD,
            ),
            Entry(
                name=_("Sessions"),
                page="admin:sessions",
                permission=Permission.USE_DASHBOARD,
            ),
            Entry(
                name=_("Preferences"),
                page="admin:preferences",
                permission=Permission.USE_DASHBOARD,
            ),
            Entry(
                name="Help",
                page="admin:help",
                permission=Permission.USE_DASHBOARD,
            ),
        ),
    ),
)


class BackOfficeSite(AdminSite):
    site_header = gettext_lazy("Back office")
    site_title = gettext_lazy("Back office")
    index_title = gettext_lazy("Dashboard")
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated

    def get_app_list(self, request: HttpRequest, _app_label: str | None = None) -> list[Any]:
        """The navigation as the admin's templates take it, without what the person may not see."""
        return [app for section in NAVIGATION if (app := _app(section, request))["models"]]

    def get_log_entries(self, request: HttpRequest) -> Any:
        """The person's newest actions, read only by a page that shows them."""
        return SimpleLazyObject(lambda: _recent_actions(request))


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 0
) -> HttpResponse:
    """Show a template in the admin's shell. ``context`` should name a ``title``.

    Where nothing else is said, a page whose ``form`` has errors is a 422.
    """
    form = context.get("form")
    has_errors = form is not None and form.errors
    status = status or (HTTPStatus.UNPROCESSABLE_ENTITY if has_errors else HTTPStatus.OK)
    return render(request, template, {**site.each_context(request), **context}, status=status)


def bare_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Show a template in a shell that knows nobody, and needs nothing from the store."""
    shell = {"site_header": site.site_header, "site_title": site.site_title, "messages": ()}
    return render(request, template, {**shell, **context}, status=status)


def _recent_actions(request: HttpRequest) -> list[EntryRow]:
    person = request.user.get_username()
    return entry_rows(queries.recent(user_id=person, rows=RECENT_ACTIONS, without=READ_ONLY))


def _app(section: Section, request: HttpRequest) -> dict[str, Any]:
    entries = [entry for entry in section.entries if request.user.has_perm(entry.permission)]
    models = [_model(entry, request) for entry in entries]
    return {
        "name": gettext(section.name),
        "app_label": section.name.lower().replace(" ", "-"),
        "app_url": models[0]["admin_url"] if models else "",
        "has_module_perms": True,
        "models": models,
    }


def _model(entry: Entry, request: HttpRequest) -> dict[str, Any]:
    needed = entry.new_permission
    may_add = needed is not None and request.user.has_perm(needed)
    return {
        "name": gettext(entry.name),
        "object_name": entry.name.replace(" ", "-"),
        "admin_url": reverse(entry.page),
        "add_url": reverse(entry.new) if may_add else None,
        "add_name": entry.new_label and gettext(entry.new_label),
        "about": entry.about and gettext(entry.about),
        "key": entry.key,
        "count_url": reverse(entry.count) if entry.count else "",
    }
