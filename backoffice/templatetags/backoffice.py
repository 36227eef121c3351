"""How times, ids, states and actions look on every page."""

from datetime import UTC, date, datetime
from functools import lru_cache
from html import escape

from django import template
from django.contrib.admin.helpers import AdminForm
from django.forms import BaseForm
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from backoffice.wording import said
from dynamodb.attributes import Unreadable
from dynamodb.times import from_rfc3339

register = template.Library()
register.filter("said", said)

_STATES = {
    "good": (
        "active", "done", "processed", "resolved", "sealed", "sent", "success", "verified",
    ),
    "waiting": (
        "assigned", "held", "in force", "open", "pending", "queued", "release asked", "running",
        "waiting",
    ),
    "bad": (
        "dead", "escalated", "failed", "failure", "faults found", "frozen", "missing", "overdue",
    ),
    "quiet": ("canceled", "closed", "not verified yet", "released"),
}  # fmt: skip
TONES = {state: tone for tone, states in _STATES.items() for state in states}

_SHORT_ID_LENGTH = 24

_NOTHING = format_html('<span class="quiet">{}</span>', "\u2013")


@register.simple_tag
def when(at: datetime | str | None) -> SafeString:
    """A time in the person's zone, with UTC at hand. Takes RFC 3339 text too.

    What cannot be read as a time is shown as it is stored, and marked.
    """
    if not at:
        return _NOTHING
    try:
        moment = from_rfc3339(at) if isinstance(at, str) else at
        local = timezone.localtime(moment)
    except (ValueError, OverflowError):
        return _unreadable(str(at))
    utc = moment.astimezone(UTC)
    shown = f"{_day(local.date(), get_language())}, {local:%H:%M:%S} {escape(str(local.tzname()))}"
    return SafeString(
        f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}" '
        f'title="{utc:%Y-%m-%d %H:%M:%S} UTC">{shown}</time>'
    )


@lru_cache
def _day(day: date, _language: str | None) -> str:
    """The same for all rows of most lists."""
    return escape(date_format(day, "d M Y"))


@register.simple_tag
def ident(value: str | None, href: str = "", *, short: bool = False) -> SafeString:
    """An id that a script lets people copy whole, and leads to ``href`` where one is given.

    A ``short`` one is abbreviated for reading; pointing at it shows the whole.
    """
    if not value:
        return _NOTHING
    is_cut = short and len(value) > _SHORT_ID_LENGTH
    whole = escaped(value)
    shown = escape(f"{value[:4]}…{value[-8:]}") if is_cut else whole
    code = f'<code title="{whole}">{shown}</code>'
    named = f'<a href="{escaped(href)}">{code}</a>' if href else code
    return SafeString(f'<span class="ident">{named}</span>')


@register.simple_tag
def badge(state: str | None) -> SafeString:
    """A state by its name; the colour only repeats what the word says."""
    if not state:
        return _NOTHING
    if isinstance(state, Unreadable):
        return _unreadable(state)
    tone = TONES.get(state, "quiet")
    return SafeString(f'<span class="badge badge-{tone}">{escape(said(state))}</span>')


@register.filter
def in_words(action: str) -> str:
    """An action's code in words: ``account.opened`` is *Account opened*.

    What a person does says itself who: ``person.signed_in`` is *Signed in*.
    """
    return said(worded(action))


def worded(action: str) -> str:
    return action.removeprefix("person.").replace(".", " ").replace("_", " ").capitalize()


@register.filter
def laid_out(form: BaseForm) -> AdminForm:
    """A plain form's visible fields as fieldsets for the admin's own ``fieldset.html``."""
    fields = [field.name for field in form.visible_fields()]
    return AdminForm(form, [(None, {"fields": fields})], {})  # type: ignore[arg-type]  # any form will do


def escaped(text: str) -> str:
    """As Django's, without its look for what is translated later."""
    return text if isinstance(text, SafeString) else escape(str(text))


def _unreadable(text: str) -> SafeString:
    return format_html(
        '<span class="badge badge-bad" title="{}">{} ({})</span>',
        _("This stored value is not readable"),
        str(text),
        _("unreadable"),
    )
