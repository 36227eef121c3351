"""The daily review: which days are signed, the lines of one, and its signature."""

from datetime import date, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from backoffice.forms.reviews import DecisionForm, MonthForm, SignForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.lists import asked_page, pager
from backoffice.presenters.reviews import cell, groups, months
from backoffice.presenters.values import day_in_words
from backoffice.reviews import queries, services
from backoffice.site import page
from backoffice.views.confirm import Asking, confirmation, is_confirmed
from backoffice.views.once import answer_form, form_page, settle
from dynamodb.times import utc_now

LATEST_DAYS = 14


@requires(Permission.REVIEW_DAYS, viewing="review")
def calendar(request: StaffRequest) -> HttpResponse:
    """Three months of days, signed or missed: the proof that nobody skipped one."""
    at = utc_now()
    month = MonthForm(request.GET).chosen(at.date())
    first = (month - timedelta(days=32)).replace(day=1)
    last = min((month + timedelta(days=31)).replace(day=1) - timedelta(days=1), at.date())
    days = queries.days(first, last, at=at)
    beside = {"next_url": f"?month={first - timedelta(days=1)}"}
    if last < at.date():
        beside["newer_url"] = f"?month={month + timedelta(days=92)}"
    waiting = [cell(each) for each in reversed(days) if each.is_waiting][:LATEST_DAYS]
    counts = {state: sum(each.state == state for each in days) for state in queries.DayState}
    context = {
        "title": _("Daily reviews"),
        "first": first,
        "last": last,
        "pager": beside,
        "months": months(days),
        "waiting": waiting,
        "counts": counts,
    }
    return page(request, "backoffice/reviews/calendar.html", context)


@requires(Permission.REVIEW_DAYS, viewing="review")
def review(request: StaffRequest, day: str) -> HttpResponse:
    asked = _day(day)

    def act(form: DecisionForm) -> HttpResponse:
        actor = request.user.actor
        services.decide(asked, **form.decided, name=form.request_id, actor=actor, at=utc_now())
        count = len(form.decided["item_ids"])
        told = ngettext("{count} line decided.", "{count} lines decided.", count)
        messages.success(request, told.format(count=count))
        return redirect(request.get_full_path())

    return answer_form(request, partial(_new_form, request), act, partial(_show, request, asked))


@requires(Permission.REVIEW_DAYS, viewing="review")
@require_POST
def prepare(request: StaffRequest, day: str) -> HttpResponse:
    """Gather the lines of a day that nobody has prepared yet."""

    def act(_: SignForm) -> HttpResponse:
        services.prepare(_day(day), actor=request.user.actor, at=utc_now())
        return redirect("admin:review", day)

    return settle(request, SignForm(request.POST), act, partial(_show, request, _day(day)))


@requires(Permission.REVIEW_DAYS, viewing="review")
@require_POST
def sign(request: StaffRequest, day: str) -> HttpResponse:
    asked = _day(day)
    asking = Asking(
        title=_("Sign the review of {day}?").format(day=day_in_words(asked)),
        button=_("Sign it"),
        crumbs=[*_crumbs(), (day_in_words(asked), reverse("admin:review", args=[day]))],
        notes=[
            _("Your signature says that you have looked at every line. It cannot be taken back.")
        ],
    )

    def act(form: SignForm) -> HttpResponse:
        if "edit" in request.POST:
            return redirect("admin:review", day)
        if not is_confirmed(request):
            return confirmation(request, form, asking)
        services.sign(asked, actor=request.user.actor, at=utc_now())
        told = _("The review of {day} is signed.")
        messages.success(request, told.format(day=day_in_words(asked)))
        return redirect("admin:review", day)

    return settle(request, SignForm(request.POST), act, partial(_show, request, asked))


def _show(request: StaffRequest, day: date, form: Any, **more: Any) -> HttpResponse:
    found = queries.list_items(day, **asked_page(request))
    context = {
        "title": _("Review of {day}").format(day=day_in_words(day)),
        "crumbs": _crumbs(),
        "day": day.isoformat(),
        "review": queries.find(day),
        "groups": groups(found.rows),
        "pager": pager(request, found),
        "errors": form.non_field_errors(),
        "chosen": request.POST.getlist("items"),
        **more,
    }
    shown = form if isinstance(form, DecisionForm) else _new_form(request)
    return form_page(request, "backoffice/reviews/day.html", shown, **context)


def _new_form(request: StaffRequest, *typed: Any) -> DecisionForm:
    return DecisionForm(*typed, username=request.user.username, at=utc_now())


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Daily reviews"), reverse("admin:reviews"))]


def _day(text: str) -> date:
    """A day of the address; one that has not begun yet has no page."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        told = _("{text} is not a day such as 2026-03-31.")
        raise Http404(told.format(text=repr(text[:20]))) from None
    if day > utc_now().date() + timedelta(days=1) or text != day.isoformat():
        raise Http404(_("There is no such day yet."))
    return day
