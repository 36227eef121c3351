"""What a supervisor does with an account: freeze, unfreeze, unlock, edit, close."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.forms import lifecycle as forms
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.accounts import AccountView, State
from backoffice.views.accounts import found_account
from backoffice.views.confirm import Crumbs, Facts
from backoffice.views.deeds import Deeds
from backoffice.views.fresh_proof import freshly_proved
from dynamodb.times import utc_now
from payments.models import Account


def _crumbs(account: Account) -> Crumbs:
    own = reverse("admin:account", args=[account.id])
    return [(_("Accounts"), reverse("admin:accounts")), (account.account_number, own)]


def _shown(account: Account) -> dict[str, Any]:
    return {"shown": AccountView(account), "state": State.of(account, utc_now())}


def _facts(account: Account) -> Facts:
    shown = AccountView(account)
    return [
        (_("Account"), account.account_number),
        (_("Owner"), account.customer_id),
        (_("Balance"), shown.balance),
        (_("Available"), shown.available),
    ]


def _finish(request: StaffRequest, form: forms.AccountForm, _saved: object) -> HttpResponse:
    messages.success(request, form.done)
    return redirect("admin:account", form.record.id)


_DEEDS = Deeds(
    template="backoffice/accounts/action.html",
    find=found_account,
    crumbs=_crumbs,
    shown=_shown,
    facts=_facts,
    finish=_finish,
)
_guard = requires(Permission.MANAGE_ACCOUNTS, viewing="account")

freeze = _guard(_DEEDS.page_of(forms.FreezeForm))
unfreeze = _guard(freshly_proved()(_DEEDS.page_of(forms.UnfreezeForm)))
unlock = _guard(_DEEDS.page_of(forms.UnlockForm))
edit = _guard(_DEEDS.page_of(forms.EditForm))
close = _guard(_DEEDS.page_of(forms.CloseForm))
