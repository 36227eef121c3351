"""The admin site without SQL: its shell, navigation by permission, a person's recent actions."""

from http import HTTPStatus
from typing import Any

from django.contrib.admin import AdminSite, site
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext, gettext_lazy

from audit import queries
from backoffice.permissions import Permission
from backoffice.presenters.audit import EntryRow, entry_rows
from backoffice.reading import READ_ONLY
from backoffice.wording import table

RECENT_ACTIONS = 10


NAVIGATION = table("navigation")["section"]


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


def _app(section: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    models = [_model(entry, request) for entry in section["entry"] if _may_open(entry, request)]
    return {
        "name": gettext(section["name"]),
        "app_label": section["name"].lower(),
        "app_url": models[0]["admin_url"] if models else "",
        "has_module_perms": True,
        "models": models,
    }


def _model(entry: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    new = entry.get("new")
    return {
        "name": gettext(entry["name"]),
        "object_name": entry["name"].replace(" ", "-"),
        "admin_url": reverse(entry["page"]),
        "add_url": reverse(new["page"]) if new and _may_open(new, request) else None,
        "add_name": gettext(new["name"]) if new else "",
        "about": gettext(entry["about"]) if "about" in entry else "",
        "key": entry.get("key", ""),
        "count_url": reverse(entry["count"]) if "count" in entry else "",
    }


def _may_open(entry: dict[str, Any], request: HttpRequest) -> bool:
    return request.user.has_perm(Permission(entry["permission"]))
