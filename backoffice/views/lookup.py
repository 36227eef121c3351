"""Finding accounts as somebody types, by number, id or owner."""

import re
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from backoffice.forms.accounts import why_no_number
from backoffice.forms.fields import IdField, TypedForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.accounts import AccountView
from payments import queries
from payments.identifiers import is_account_number


@dataclass(frozen=True, kw_only=True)
class Found:
    """Accounts that a text leads to, or a sentence that says why there is none."""

    accounts: list[AccountView] = field(default_factory=list)
    sentence: str = ""


class LookupForm(TypedForm):
    q = IdField(help_text=_("An account by number or id, or a customer."))


@requires(Permission.READ_ACCOUNTS, searching="account")
def lookup(request: StaffRequest) -> HttpResponse:
    """A fragment of a page: what the text ``q`` leads to."""
    form = LookupForm(request.GET)
    if form.is_valid():
        found = find(form.cleaned_data["q"], person=request.user.username)
    else:
        found = Found(sentence=str(form["q"].errors[0]))
    return render(request, "backoffice/accounts/found.html", {"found": found})


def find(text: str, *, person: str) -> Found:
    """Look for accounts, in at most two requests; none for a number that cannot be one."""
    if re.fullmatch("[0-9]{12}", text) and not is_account_number(text):
        return Found(sentence=why_no_number(text))
    accounts = queries.find_accounts(text, person=person)
    if not accounts:
        return Found(
            sentence=_("No account has this number or id, and no customer with it has any.")
        )
    return Found(accounts=[AccountView(account) for account in accounts])
