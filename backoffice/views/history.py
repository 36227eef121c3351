"""What an account or a payment has behind it: its time line, and who looked at it."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.queries import chain_page
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.audit import completeness, entry_rows
from backoffice.presenters.lists import pager
from backoffice.presenters.timeline import happenings
from backoffice.presenters.values import record_url
from backoffice.site import page
from payments import directory, queries
from payments.history import account_timeline

_ALL = gettext_lazy(
    "Its own entries, the payments asked for from it, approvals, and who looked at it."
)
_WITHOUT_VIEWS = gettext_lazy("Its own entries, the payments asked for from it, and approvals.")


@requires(Permission.READ_CHAINS, viewing="account")
def timeline(request: StaffRequest, account_id: str) -> HttpResponse:
    """An account's time line. Who looked at it shows to those who may read the whole trail."""
    key = directory.account_key(account_id)
    if key is not None and not key.customer_id:
        key = queries.get_account(account_id)
    if key is None:
        raise Http404(_("There is no account {account_id}.").format(account_id=account_id))
    cursor, person = request.GET.get("cursor", ""), request.user
    with_views = person.has_perm(Permission.READ_TRAIL)
    found = account_timeline(key, with_views=with_views, person=person.username, cursor=cursor)
    account = found.account
    crumbs = [
        (_("Accounts"), reverse("admin:accounts")),
        (account.account_number, record_url(account.id)),
    ]
    context = {
        "title": _("Time line of {account_number}").format(account_number=account.account_number),
        "crumbs": crumbs,
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
    found = chain_page(f"views:{entity_id}", person=request.user.username, cursor=cursor)
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
