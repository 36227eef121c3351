"""Proof that the trail is whole."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from audit.context import Actor
from audit.verification import TooLongError, verify_entity
from audit.verified import keep
from backoffice.permissions import Permission, StaffRequest, requires
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
            f"This chain has more than {MOST_ENTRIES:,} entries. An operator verifies it with "
            f"{command}.",
        )
        return redirect("admin:audit_chain", entity_id)
    if not run.entries:
        raise Http404(f"The trail has no entry about {entity_id}.")
    keep(run, entity_id=entity_id, actor=Actor(id=request.user.username), at=at)
    return redirect("admin:audit_chain", entity_id)
