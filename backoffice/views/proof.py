"""Proof that the trail is whole."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit.verification import TooLongError, verify_entity
from audit.verified import keep
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.wording import said
from dynamodb.times import utc_now

MOST_ENTRIES = 20_000
"""A longer chain takes longer to verify than a page may take."""


@requires(Permission.VERIFY_TRAIL, viewing="audit")
@require_POST
def verify(request: StaffRequest, entity_id: str) -> HttpResponse:
    """Verify one chain now; its page shows what was found."""
    at = utc_now()
    try:
        run = verify_entity(entity_id, most_entries=MOST_ENTRIES)
    except TooLongError:
        command = f"manage.py verify_audit --entity {entity_id}"
        messages.error(
            request,
            _(
                "This chain has more than {most} entries. An operator verifies it with {command}."
            ).format(most=said(f"{MOST_ENTRIES:,}"), command=command),
        )
        return redirect("admin:audit_chain", entity_id)
    if not run.entries:
        raise Http404(_("The trail has no entry about {entity_id}.").format(entity_id=entity_id))
    keep(run, entity_id=entity_id, actor=request.user.actor, at=at)
    return redirect("admin:audit_chain", entity_id)
