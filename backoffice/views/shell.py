"""The first page."""

from django.http import HttpResponse

from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.seals import missing_sentences, off_sentence
from backoffice.site import page
from dynamodb.times import utc_now


@requires(Permission.USE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    notes = [off_sentence()] if off_sentence() else []
    if request.user.has_perm(Permission.VERIFY_TRAIL) and not notes:
        notes = missing_sentences(utc_now())
    return page(request, "admin/index.html", {"title": "Dashboard", "seal_notes": notes})
