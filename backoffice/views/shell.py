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
from backoffice.presenters.events import event_sentences, visible_receivers
from backoffice.site import page
from backoffice.staff.models import Staff
from backoffice.views.inbox import MOST_COUNTED
from dynamodb.pages import Page
from dynamodb.times import utc_now
from payments import queries
from payments.alerts import queries as alert_queries
from payments.alerts.records import Alert
from payments.events.records import Feed
from payments.history import figures
from payments.models import Payment

MOST_RECEIVERS = 20
"""As many as a batch has room for, beside days and payments."""


@requires(Permission.USE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    """What needs the person, and figures of what they may see: in seven requests at most."""
    person, at = request.user, utc_now()
    context: dict[str, Any] = {"title": _("Dashboard"), "needs": [], "notes": _off_notes()}
    if person.has_perm(Permission.READ_PAYMENTS):
        pending: Page[Payment] = Page()
        if person.has_perm(Permission.READ_APPROVALS):
            pending = queries.pending_keys(person=person.username, rows=MOST_COUNTED)
        told = visible_receivers(person)[:MOST_RECEIVERS]
        keys = [Feed(name=receiver.name) for receiver in told]
        days, found = figures.read_window(at, *keys, *pending.rows)
        payments = found[len(keys) :]
        feeds = [known or key for known, key in zip(found, keys, strict=False)]
        context["needs"] += shown.approvals_need(
            [each for each in payments if each and each.can_cancel() and not each.awaits_its_day],
            has_more=bool(pending.next_cursor),
            at=at,
        )
        context["needs"] += shown.failures_need(days)
        context["figures"] = shown.figures(days, request.GET.get("currency", ""))
        stands = list(zip(told, feeds, strict=False))
        if person.has_perm(Permission.MANAGE_EVENTS):
            for receiver, feed in stands:
                sentences = event_sentences(receiver, feed, at=at)
                context["needs"] += shown.sentence_needs(sentences, "admin:events")
        notices = [feed for receiver, feed in stands if receiver.follows is Alert]
        context["needs"] += _compliance_needs(person, notices, at)
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
