"""The step between a form and what it does: everything shown once more, nothing done yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.http import HttpResponse

from backoffice.forms.ids import ActionForm
from backoffice.permissions import StaffRequest
from backoffice.presenters.accounts import Side
from backoffice.site import page
from backoffice.templatetags.backoffice import when

Crumbs = Sequence[tuple[str, str]]
"""Where a page stands: labels and addresses above it."""

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What a confirmation shows. ``notes`` are what to think of before saying yes."""

    title: str
    button: str
    crumbs: Crumbs = ()
    amount: str = ""
    facts: Facts = ()
    sides: Sequence[Side] = ()
    notes: Sequence[str] = ()


def confirmation(request: StaffRequest, form: ActionForm, asking: Asking) -> HttpResponse:
    """Ask once more. The page posts all fields again with ``confirm=yes``, or with ``edit``."""
    context = {"title": asking.title, "asking": asking, "crumbs": asking.crumbs, "form": form}
    return page(request, "backoffice/confirm.html", context)


def is_confirmed(request: StaffRequest) -> bool:
    return request.POST.get("confirm") == "yes"


def entered(form: ActionForm) -> Facts:
    """What a valid form says, field by field."""
    return [(str(field.label), _shown(form, field)) for field in form.visible_fields()]


def _shown(form: ActionForm, field: forms.BoundField) -> str:
    value = form.cleaned_data[field.name]
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "\u2013"
    if isinstance(field.field, forms.ChoiceField):
        value = dict(field.field.choices).get(value, value)  # type: ignore[arg-type]  # pairs, no groups
    return str(value or field.value() or "\u2013")
