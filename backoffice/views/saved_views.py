"""Keeping a list as it is narrowed, and forgetting it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from backoffice.forms.finding import SavedViewForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.site import page
from backoffice.staff.services import save_view, views_of
from backoffice.wording import said
from dynamodb.times import utc_now
from payments.refusals import Refusal


@requires(Permission.USE_DASHBOARD)
def save(request: StaffRequest) -> HttpResponse:
    """All views of the person; a post saves one, or removes it, and goes back to its list."""
    if request.method != "POST":
        context = {"title": _("Saved views"), "views": views_of(request.user.record)}
        return page(request, "backoffice/saved_views.html", context)
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(each[0]) for each in form.errors.values()))
        known = form.cleaned_data.get("address")
        return redirect(known or "admin:index")
    wanted = form.cleaned_data
    try:
        save_view(
            name="" if wanted["remove"] else wanted["name"],
            address=wanted["address"],
            actor=request.user.actor,
            at=utc_now(),
        )
    except Refusal as refusal:
        messages.error(request, said(refusal))
    else:
        told = _("The view is removed.") if wanted["remove"] else _("The view is saved.")
        messages.success(request, told)
    return redirect(wanted["address"])
