"""Finding again: one box for everything, whose palette shows what its page holds; saved views."""

import re
from dataclasses import dataclass, field

from django.contrib import messages
from django.contrib.admin import site
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from backoffice import finding
from backoffice.forms.accounts import why_no_number
from backoffice.forms.finding import FindForm, LookupForm, SavedViewForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.accounts import AccountView
from backoffice.site import page
from backoffice.staff.services import save_view, views_of
from backoffice.wording import said
from dynamodb.times import utc_now
from payments import queries
from payments.identifiers import is_account_number
from payments.refusals import Refusal


@dataclass(frozen=True, kw_only=True)
class Found:
    """Accounts that a text leads to, or a sentence that says why there is none."""

    accounts: list[AccountView] = field(default_factory=list)
    sentence: str = ""


@requires(Permission.USE_DASHBOARD, searching="record")
def find(request: StaffRequest) -> HttpResponseBase:
    """Land on the one place that a text leads to, or list them; those to ``stay`` see the list."""
    form, person = FindForm(request.GET), request.user
    text = form.cleaned_data["q"] if form.is_valid() else ""
    records = finding.records(text, person=person) if text else []
    navigation = [] if form.errors else site.get_app_list(request)
    places = finding.places(text, person=person, navigation=navigation)
    landing = records or places
    if text and len(landing) == 1 and "stay" not in request.GET:
        return redirect(landing[0].url)
    context = {
        "title": _("Find anything"),
        "form": form,
        "text": text,
        "records": records,
        "places": places,
        "recent": finding.recent(person=person) if not request.GET else [],
    }
    return page(request, "backoffice/find.html", context)


@requires(Permission.USE_DASHBOARD)
def save(request: StaffRequest) -> HttpResponse:
    """All views of the person; a post saves one, or removes it, and goes back to its list."""
    if request.method != "POST":
        lists = [each for app in site.get_app_list(request) for each in app["models"]]
        names = {each["admin_url"]: each["name"] for each in lists}
        views = [
            (name, address, names.get(address.partition("?")[0], ""))
            for name, address in views_of(request.user.record)
        ]
        context = {"title": _("Saved views"), "views": views}
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
    return redirect("admin:views" if request.POST.get("stays") else wanted["address"])


@requires(Permission.READ_ACCOUNTS, searching="account")
def lookup(request: StaffRequest) -> HttpResponse:
    """A fragment of a page: what the text ``q`` leads to."""
    form = LookupForm(request.GET)
    if form.is_valid():
        found = look_up(form.cleaned_data["q"], person=request.user.username)
    else:
        found = Found(sentence=str(form["q"].errors[0]))
    return render(request, "backoffice/accounts/found.html", {"found": found})


def look_up(text: str, *, person: str) -> Found:
    """Look for accounts, in at most two requests; none for a number that cannot be one."""
    if re.fullmatch("[0-9]{12}", text) and not is_account_number(text):
        return Found(sentence=why_no_number(text))
    accounts = queries.find_accounts(text, person=person)
    if not accounts:
        return Found(
            sentence=_("No account has this number or id, and no customer with it has any.")
        )
    return Found(accounts=[AccountView(account) for account in accounts])
