"""The trail: all of it, one entity's chain, an account's time line, who looked at something."""

import re

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import queries
from audit.models import Hold
from audit.verified import last as last_verification
from backoffice.forms.audit import TrailFilterForm
from backoffice.holds.subjects import case_holds_shown, in_force, record_of, subjects_of
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.audit import completeness, currency_of, entry_rows, entry_table
from backoffice.presenters.lists import asked_page, pager
from backoffice.presenters.proof import verified_view
from backoffice.presenters.retention import kept_chain
from backoffice.presenters.timeline import happenings
from backoffice.presenters.values import record_url
from backoffice.reading import note_days
from backoffice.site import page
from backoffice.views.accounts import account_crumbs
from backoffice.views.newer import newer_url
from dynamodb.times import utc_now
from payments import directory
from payments.history import postings
from payments.history.timeline import account_timeline
from payments.queries import get_account

_ALL = gettext_lazy(
    "Its own entries, the payments asked for from it, approvals, and who looked at it."
)
_WITHOUT_VIEWS = gettext_lazy("Its own entries, the payments asked for from it, and approvals.")

_ENTRY = re.compile(r"[0-9TZ:.+-]{20,40}#[0-9]{1,12}", re.ASCII)
"""What an entry's timestamp looks like."""


@requires(Permission.READ_TRAIL, viewing="audit")
def trail(request: StaffRequest) -> HttpResponse:
    form = TrailFilterForm(request.GET, today=utc_now().date())
    context = {"title": _("Audit trail"), "form": form}
    if form.is_valid():
        note_days(request, form.days)
        asked = asked_page(request)
        found = postings.browse(form.wanted, **asked)
        rows = entry_rows(found.rows)
        context |= {
            "rows": rows,
            "table": entry_table(rows),
            "completeness": completeness(found, is_first=not asked["cursor"], wanted=form.wanted),
            "pager": pager(request, found, kept=form.days),
            "newer_url": newer_url(request, "audit", rows[0].entry.timestamp if rows else ""),
            "export_url": _export_url(form),
        }
    return page(request, "backoffice/audit/list.html", context)


def _export_url(form: TrailFilterForm) -> str:
    """Where everything that the search finds can be exported, not its page alone."""
    searched = ("entity_id", "action", "user_id", "outcome")
    given = {name: text for name in searched if (text := form.cleaned_data[name])}
    return reverse("admin:export_new", query={**given, "scope": "search", **form.days})


@requires(Permission.READ_CHAINS, viewing="audit")
def chain(request: StaffRequest, entity_id: str) -> HttpResponse:
    """One entity's entries. Whoever may not read the whole trail sees accounts and payments."""
    if not (record_url(entity_id) or request.user.has_perm(Permission.READ_TRAIL)):
        raise PermissionDenied(Permission.READ_TRAIL)
    cursor, until = request.GET.get("cursor", ""), request.GET.get("entry", "")
    if until and not _ENTRY.fullmatch(until):
        raise Http404(_("The address names an entry in a way that no entry is named."))
    found = queries.chain_page(entity_id, person=request.user.username, until=until, cursor=cursor)
    if not (found.rows or cursor):
        raise Http404(_("The trail has no entry about {entity_id}.").format(entity_id=entity_id))
    is_newest, record = not (cursor or until), record_of(entity_id)
    subjects = subjects_of(record) if record and is_newest else []
    verified, beside = last_verification(entity_id, [Hold(subject=each) for each in subjects])
    holds = None
    if record and is_newest:
        holds = in_force(beside) + case_holds_shown(record, request.user)
    context = {
        "title": _("Audit chain"),
        "entity_id": entity_id,
        "record_url": record_url(entity_id),
        "begins_at": until,
        "rows": entry_rows(
            found.rows, currency=record.currency if record else currency_of(found.rows)
        ),
        "completeness": completeness(found, is_first=is_newest),
        "pager": pager(request, found),
        "verified": verified_view(verified),
        "kept": kept_chain(found.rows[0], holds) if is_newest else None,
    }
    return page(request, "backoffice/audit/chain.html", context)


@requires(Permission.READ_CHAINS, viewing="account")
def timeline(request: StaffRequest, account_id: str) -> HttpResponse:
    """An account's time line. Who looked at it shows to those who may read the whole trail."""
    key = directory.account_key(account_id)
    if key is not None and not key.customer_id:
        key = get_account(account_id)
    if key is None:
        raise Http404(_("There is no account {account_id}.").format(account_id=account_id))
    cursor, person = request.GET.get("cursor", ""), request.user
    with_views = person.has_perm(Permission.READ_TRAIL)
    found = account_timeline(key, with_views=with_views, person=person.username, cursor=cursor)
    account = found.account
    context = {
        "title": _("Time line of {account_number}").format(account_number=account.account_number),
        "crumbs": account_crumbs(account),
        "sentence": _ALL if with_views else _WITHOUT_VIEWS,
        "happenings": happenings(found, account.currency),
        "completeness": completeness(found.page, is_first=not cursor),
        "pager": pager(request, found.page),
    }
    return page(request, "backoffice/audit/account_timeline.html", context)


@requires(Permission.READ_TRAIL, viewing="audit")
def viewers(request: StaffRequest, entity_id: str) -> HttpResponse:
    """Who looked at an account or a payment: the chain of its views."""
    cursor = request.GET.get("cursor", "")
    found = queries.chain_page(f"views:{entity_id}", person=request.user.username, cursor=cursor)
    url = record_url(entity_id)
    if not url:
        raise Http404(_("There is nothing of the id {entity_id}.").format(entity_id=entity_id))
    context = {
        "title": _("Who looked at it"),
        "crumbs": [(entity_id, url)],
        "entity_id": entity_id,
        "record_url": url,
        "rows": entry_rows(found.rows),
        "completeness": completeness(found, is_first=not cursor),
        "pager": pager(request, found),
    }
    return page(request, "backoffice/audit/viewers.html", context)
