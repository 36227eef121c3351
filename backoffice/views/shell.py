"""The first page."""

from django.http import HttpResponse

from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters import alerts, reviews
from backoffice.presenters.seals import missing_sentences, off_sentence
from backoffice.site import page
from dynamodb.times import utc_now


@requires(Permission.USE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    person, at = request.user, utc_now()
    notes = [off_sentence()] if off_sentence() else []
    if person.has_perm(Permission.VERIFY_TRAIL) and not notes:
        notes = missing_sentences(at)
    if person.has_perm(Permission.REVIEW_DAYS):
        notes += reviews.missed_sentences(at)
    if person.has_perm(Permission.READ_ALERTS):
        notes += alerts.notice_sentences(at)
    else:
        notes += filter(None, [alerts.off_sentence()])
    return page(request, "admin/index.html", {"title": "Dashboard", "notes": notes})
