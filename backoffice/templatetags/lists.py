"""What stands above every list: periods at hand, what it is narrowed by, saved views, columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import template
from django.forms import Form
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from backoffice.forms.periods import PERIODS, dated, ends_of
from backoffice.permissions import Permission
from backoffice.staff.services import views_of

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
    today = getattr(form, "today", None) if "from" in form.fields else None
    asked = _asked(request, today)
    kept = _kept(asked, today)
    address = _address(request, kept)
    saved = views_of(request.user.record, request.path)
    return {
        "csrf_token": context.get("csrf_token"),
        "address": address,
        "moves": next((PERIODS[name][0] for name in kept.getlist("days")), ""),
        "periods": list(_periods(request, asked, today)) if today else [],
        "filters": list(_filters(request, asked, form)),
        "name": next((name for name, url in saved if url == address), ""),
        "saved": [Chip(label=name, url=url, is_on=url == address) for name, url in saved],
        "export_url": _export_url(request, form),
        "exported": list(asked.items()),
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


def _filters(request: HttpRequest, asked: QueryDict, form: Form) -> Iterator[Chip]:
    """What the list is narrowed by, each with the address of the list without it."""
    for name, field in form.fields.items():
        if asked.get(name):
            others = asked.copy()
            del others[name]
            if name in ("from", "to"):
                others.pop("days", None)  # the other end stands by itself from now on
            value = dict(getattr(field, "choices", ())).get(asked[name], asked[name])
            label = f"{field.label or name.capitalize()}: {value}"
            yield Chip(label=label, url=_address(request, others))


def _periods(request: HttpRequest, asked: QueryDict, today: date) -> Iterator[Chip]:
    for name, (label, _days) in PERIODS.items():
        others = asked.copy()
        others["days"] = name
        others["from"], others["to"] = ends = ends_of(name, today)
        is_on = (asked.get("from"), asked.get("to")) == ends
        yield Chip(label=str(label), url=_address(request, others), is_on=is_on)


def _asked(request: HttpRequest, today: date | None) -> QueryDict:
    """What the address asks for, from the first page on, with the ends of its period."""
    asked = dated(request.GET, today) if today else request.GET.copy()
    for name in ("cursor", "newer"):
        asked.pop(name, None)
    return asked


def _kept(asked: QueryDict, today: date | None) -> QueryDict:
    """What a saved view asks for: a period that was chosen by its name moves along."""
    kept = asked.copy()
    name = kept.pop("days", [""])[-1]
    if today and name in PERIODS and (kept.get("from"), kept.get("to")) == ends_of(name, today):
        del kept["from"], kept["to"]
        kept["days"] = name
    return kept


def _address(request: HttpRequest, asked: QueryDict) -> str:
    return f"{request.path}?{asked.urlencode()}" if asked else request.path
