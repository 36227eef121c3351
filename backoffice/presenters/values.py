"""How single values are worded and where they lead, the same on every page."""

import re
from datetime import date, datetime, timedelta
from functools import cache

from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from backoffice import numbers
from payments.identifiers import is_account_id, is_payment_id
from payments.money import format_amount, format_number
from payments.refusals import UnknownCurrency

_PLACE = "PLACE"
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]+")


def money(amount_minor: int | None, currency: str | None) -> str:
    """``5,000.00 USD``; a stored currency that nobody knows leaves minor units, and says so."""
    if amount_minor is None:
        return ""
    try:
        return numbers.shown(format_amount(amount_minor, currency or ""))
    except UnknownCurrency:
        return _("{amount} minor units of {currency}").format(
            amount=numbers.shown(f"{amount_minor:,}"), currency=currency or _("an unknown currency")
        )


def day_in_words(day: date) -> str:
    """``31 Jan 2026``."""
    return date_format(day, "d M Y")


def span(start: datetime, end: datetime) -> str:
    """A time in words, as coarse as people say it: ``3 hours``."""
    if end - start < timedelta(minutes=1):
        return _("less than a minute")
    return timesince(start, end, depth=1)


def signed(amount_minor: int, currency: str) -> str:
    """As ``money``, beginning with ``+`` or ``-``."""
    return "+" * (amount_minor > 0) + money(amount_minor, currency)


def typed(amount_minor: int, currency: str) -> str:
    """An amount as somebody would type it; minor units of a stored currency that nobody knows."""
    try:
        return format_number(amount_minor, currency)
    except UnknownCurrency:
        return str(amount_minor)


@cache
def _ends_of(page: str) -> tuple[str, str]:
    before, after = reverse(page, args=[_PLACE]).split(_PLACE)
    return before, after


def url_of(page: str, each: str) -> str:
    """The address of a page about one thing, as ``reverse`` gives it, for lists of many.

    Empty for nothing, and for what can be no part of it: a damaged row is shown without, and not an
    error instead.
    """
    if not each:
        return ""
    if not _PLAIN.fullmatch(each):
        try:
            return reverse(page, args=[each])
        except NoReverseMatch:
            return ""
    before, after = _ends_of(page)
    return f"{before}{each}{after}"


def record_url(entity_id: str | None) -> str:
    """The page of an account or a payment; empty for anything else."""
    if entity_id and is_account_id(entity_id):
        return url_of("admin:account", entity_id)
    if entity_id and is_payment_id(entity_id):
        return url_of("admin:payment", entity_id)
    return ""
