"""What stands above every list: periods at hand, what it is narrowed by, saved views, columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

from django import template
from django.forms import Form
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.permissions import Permission
from backoffice.staff.services import views_of
from dynamodb.times import utc_now

register = template.Library()


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A way to ask for the list anew; ``is_on`` where it is what is shown."""

    label: str
    url: str
    is_on: bool = False


@register.inclusion_tag("backoffice/parts/list_bar.html", takes_context=True)
def list_bar(context: dict[str, Any], form: Form) -> dict[str, Any]:
    request = context["request"]
    address = request.get_full_path()
    saved = views_of(request.user.record, request.path)
    return {
        "csrf_token": context.get("csrf_token"),
        "address": _address(request, _asked(request)),
        "periods": list(_periods(request, form)) if "from" in form.fields else [],
        "filters": list(_filters(request, form)),
        "saved": [Chip(label=name, url=url, is_on=url == address) for name, url in saved],
        "export_url": _export_url(request, form),
        "exported": list(_asked(request).items()),
        "columns": [
            (name, label, name in request.GET.getlist("hide"))
            for name, label in getattr(form, "columns", {}).items()
        ],
    }


@register.simple_tag(takes_context=True)
def hidden_columns(context: dict[str, Any]) -> str:
    """Classes that hide the columns a person does not want."""
    return " ".join(f"hide-{name}" for name in context["request"].GET.getlist("hide"))


def _export_url(request: HttpRequest, form: Form) -> str:
    """Where all that the filter finds is exported; empty for who may not, and one account."""
    name = getattr(form, "list_name", "")
    is_one = bool(request.GET.get("account_number"))
    may = name and request.user.has_perm(Permission.EXPORT_TRAIL)
    return reverse("admin:export_list", args=[name]) if may and not is_one else ""


def _filters(request: HttpRequest, form: Form) -> Iterator[Chip]:
    """What the list is narrowed by, each with the address of the list without it."""
    for name, field in form.fields.items():
        if request.GET.get(name):
            asked = _asked(request)
            del asked[name]
            label = f"{field.label or name.capitalize()}: {request.GET[name]}"
            yield Chip(label=label, url=_address(request, asked))


def _periods(request: HttpRequest, form: Form) -> Iterator[Chip]:
    is_own = "zone" in form.fields and request.GET.get("zone") != "UTC"
    today = timezone.localdate(utc_now(), None if is_own else UTC)
    periods: dict[str, tuple[date, date]] = {
        _("Today"): (today, today),
        _("Yesterday"): (today - timedelta(days=1), today - timedelta(days=1)),
        _("Last 7 days"): (today - timedelta(days=6), today),
        _("Last 30 days"): (today - timedelta(days=29), today),
        _("This month"): (today.replace(day=1), today),
    }
    for label, (first, last) in periods.items():
        asked = _asked(request)
        asked["from"], asked["to"] = first.isoformat(), last.isoformat()
        is_on = all(request.GET.get(name) == asked[name] for name in ("from", "to"))
        yield Chip(label=label, url=_address(request, asked), is_on=is_on)


def _asked(request: HttpRequest) -> QueryDict:
    """What the address asks for, from the first page on."""
    asked = request.GET.copy()
    for name in ("cursor", "newer"):
        asked.pop(name, None)
    return asked


def _address(request: HttpRequest, asked: QueryDict) -> str:
    return f"{request.path}?{asked.urlencode()}" if asked else request.path
