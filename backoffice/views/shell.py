"""The first page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters import alerts, reviews, seals
from backoffice.presenters import dashboard as shown
from backoffice.presenters.dashboard import Need
from backoffice.site import page
from backoffice.staff.models import Staff
from backoffice.views.inbox import MOST_COUNTED
from dynamodb.pages import Page
from dynamodb.times import utc_now
from payments import alert_queries, figures, queries
from payments.event_records import Feed
from payments.models import Payment


@requires(Permission.USE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    """What needs the person, and figures of what they may see: in eight requests at most."""
    person, at = request.user, utc_now()
    context: dict[str, Any] = {"title": _("Dashboard"), "needs": [], "notes": _off_notes()}
    if person.has_perm(Permission.READ_PAYMENTS):
        pending: Page[Payment] = Page()
        if person.has_perm(Permission.READ_APPROVALS):
            pending = queries.pending_keys(person=person.username, rows=MOST_COUNTED)
        feeds = alerts.notice_keys()
        days, found = figures.read_window(at, *feeds, *pending.rows)
        payments = found[len(feeds) :]
        feeds = [known or key for known, key in zip(found, feeds, strict=False)]
        context["needs"] += shown.approvals_need(
            [each for each in payments if each and each.can_cancel() and not each.awaits_its_day],
            has_more=bool(pending.next_cursor),
            at=at,
        )
        context["needs"] += shown.failures_need(days)
        context["figures"] = shown.figures(days, request.GET.get("currency", ""))
        context["needs"] += _compliance_needs(person, feeds, at)
    return page(request, "admin/index.html", context)


def _off_notes() -> Sequence[str]:
    """What the house has switched off, which everybody is told."""
    return list(filter(None, [seals.off_sentence(), alerts.off_sentence()]))


def _compliance_needs(person: Staff, feeds: list[Feed], at: datetime) -> list[Need]:
    needs: list[Need] = []
    if person.has_perm(Permission.READ_ALERTS):
        found = alert_queries.list_alerts(person=person.username, rows=MOST_COUNTED)
        needs += shown.alerts_need(found, at=at)
        for feed in feeds:
            sentences = alerts.notice_sentences(at, feed)
            needs += shown.sentence_needs(sentences, "admin:alerts")
    if person.has_perm(Permission.VERIFY_TRAIL) and not seals.off_sentence():
        needs += shown.sentence_needs(seals.missing_sentences(at), "admin:seals")
    if person.has_perm(Permission.REVIEW_DAYS):
        needs += shown.sentence_needs(reviews.missed_sentences(at), "admin:reviews")
    return needs
