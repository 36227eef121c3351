"""Proof that the trail is whole: seals of days, an entry in one, a chain verified."""

import json
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit import seals, signing
from audit.bucket import NotInArchiveError
from audit.replay import read_chain
from audit.settings import settings
from audit.verification import TooLongError, verify_entity
from audit.verified import keep
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.seals import DAYS_SHOWN, off_sentence, seal_rows
from backoffice.site import page
from backoffice.wording import said
from dynamodb.times import utc_now

MOST_ENTRIES = 20_000
"""A longer chain takes longer to verify than a page may take."""


@requires(Permission.VERIFY_TRAIL)
def listing(request: StaffRequest) -> HttpResponse:
    last = seals.last_due_day(utc_now())
    until = _day(request.GET.get("until", "")) or last
    found = seals.recent(last=min(until, last), count=DAYS_SHOWN)
    rows = seal_rows(found, last=last, is_on=not settings().off)
    context = {
        "title": _("Seals"),
        "off": off_sentence(),
        "public_key": "" if settings().off else signing.public_key(settings().seal_key),
        "rows": rows,
        "older": min(found) if found[min(found)] else None,
    }
    return page(request, "backoffice/audit/seals.html", context)


@requires(Permission.VERIFY_TRAIL, viewing="audit")
def prove(request: StaffRequest, entity_id: str) -> HttpResponse:
    """A file that proves one entry: with the public key it can be checked anywhere."""
    timestamp = request.GET.get("entry", "")
    item = next(read_chain(entity_id, since=timestamp or "~", until=timestamp or "~"), None)
    if item is None:
        told = _("The trail has no such entry about {entity_id}.")
        raise Http404(told.format(entity_id=entity_id))
    try:
        proof = seals.prove(item)
    except (seals.NotSealedError, NotInArchiveError):
        why = off_sentence() or _later()
        messages.error(request, _("This entry is in no seal. {why}").format(why=why))
        return redirect("admin:audit_chain", entity_id)
    answer = HttpResponse(json.dumps(proof, indent=2), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="proof-{item["hash"]["S"][:16]}.json"'
    return answer


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


def _later() -> str:
    sentence = _("The newest day that is sealed is {day}, or before.")
    return sentence.format(day=seals.last_due_day(utc_now()))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
