"""The admin site without SQL: its shell, navigation by permission, a person's recent actions."""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite, site
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_lazy

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
        return _navigation(_seen_by(request))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        pages = (each for app in context["available_apps"] for each in app["models"])
        above = tuple(each["admin_url"] for each in pages if each["admin_url"] in request.path)
        here = request.path if request.path in above else ""
        return context | {"sidebar": _sidebar(_seen_by(request), above, here)}

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


def _recent_actions(request: HttpRequest) -> Sequence[Any]:
    from audit import queries  # with which no process need start
    from backoffice.presenters.audit import entry_rows

    person = request.user.get_username()
    return entry_rows(queries.recent(user_id=person, rows=RECENT_ACTIONS, without=READ_ONLY))


class Seen(NamedTuple):
    """What the navigation depends on."""

    may: frozenset[str]
    language: str | None
    script_prefix: str


def _seen_by(request: HttpRequest) -> Seen:
    person = request.user
    may = person.get_all_permissions() if person.is_authenticated else ()
    return Seen(frozenset(may), get_language(), get_script_prefix())


@lru_cache
def _navigation(seen: Seen) -> list[dict[str, Any]]:
    return [app for section in NAVIGATION if (app := _app(section, seen))["models"]]


@lru_cache(maxsize=1_000)
def _sidebar(seen: Seen, above: tuple[str, ...], here: str) -> SafeString:
    """Made once: it took a seventh of a page's time."""
    told = {"navigation": _navigation(seen), "above": above, "here": here}
    return render_to_string("backoffice/parts/navigation.html", told)


def _app(section: dict[str, Any], seen: Seen) -> dict[str, Any]:
    models = [_model(entry, seen) for entry in section["entry"] if entry["permission"] in seen.may]
    return {
        "name": gettext(section["name"]),
        "app_label": section["name"].lower(),
        "app_url": models[0]["admin_url"] if models else "",
        "has_module_perms": True,
        "models": models,
    }


def _model(entry: dict[str, Any], seen: Seen) -> dict[str, Any]:
    new = entry.get("new")
    return {
        "name": gettext(entry["name"]),
        "object_name": entry["name"].replace(" ", "-"),
        "admin_url": reverse(entry["page"]),
        "add_url": reverse(new["page"]) if new and new["permission"] in seen.may else None,
        "add_name": gettext(new["name"]) if new else "",
        "about": gettext(entry["about"]) if "about" in entry else "",
        "key": entry.get("key", ""),
        "count_url": reverse(entry["count"]) if "count" in entry else "",
    }
