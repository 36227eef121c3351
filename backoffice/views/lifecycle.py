"""What a supervisor does with an account: freeze, unfreeze, unlock, edit, close."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.forms.lifecycle import (
    AccountForm,
    CloseForm,
    EditForm,
    FreezeForm,
    UnfreezeForm,
    UnlockForm,
)
from backoffice.permissions import Permission, StaffRequest, View, requires
from backoffice.presenters.accounts import AccountView, State
from backoffice.site import page
from backoffice.views.confirm import Asking, Crumbs, confirmation, entered, is_confirmed
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import settle
from dynamodb.times import utc_now
from payments import queries
from payments.models import Account


def _page_of(kind: type[AccountForm], *, needs_proof: bool = False) -> View[[str]]:
    """The page of one action: its form, its confirmation, and back to the account."""

    def view(request: StaffRequest, account_id: str) -> HttpResponse:
        account = queries.get_account(account_id)
        if account is None:
            raise Http404(_("There is no account {account_id}.").format(account_id=account_id))
        at = utc_now()
        new = partial(kind, record=account, username=request.user.username, at=at)
        show = partial(_form_page, request)
        if request.method != "POST" or "edit" in request.POST:
            return show(new(initial=request.POST.dict()))

        def act(form: AccountForm) -> HttpResponse:
            if not is_confirmed(request):
                return _confirmation(request, form)
            form.save(actor=request.user.actor, at=at)
            messages.success(request, form.done)
            return redirect("admin:account", account.id)

        return settle(request, new(request.POST), act, show)

    guarded = freshly_proved()(view) if needs_proof else view
    return requires(Permission.MANAGE_ACCOUNTS, viewing="account")(guarded)


freeze = _page_of(FreezeForm)
unfreeze = _page_of(UnfreezeForm, needs_proof=True)
unlock = _page_of(UnlockForm)
edit = _page_of(EditForm)
close = _page_of(CloseForm)


def _confirmation(request: StaffRequest, form: AccountForm) -> HttpResponse:
    shown = AccountView(form.record)
    stands = [(_("Account"), form.record.account_number), (_("Owner"), form.record.customer_id)]
    amounts = [(_("Balance"), shown.balance), (_("Available"), shown.available)]
    asking = Asking(
        title=f"{form.title}?",
        button=str(form.title),
        crumbs=_crumbs(form.record),
        facts=[*stands, *amounts, *entered(form)],
        notes=[str(form.about)],
    )
    return confirmation(request, form, asking)


def _form_page(
    request: StaffRequest, form: AccountForm, *, status: int = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    context = {
        "title": form.title,
        "about": form.about,
        "crumbs": _crumbs(form.record),
        "shown": AccountView(form.record),
        "state": State.of(form.record, utc_now()),
        "form": form,
        **more,
    }
    return page(request, "backoffice/accounts/action.html", context, status=status)


def _crumbs(account: Account) -> Crumbs:
    own = reverse("admin:account", args=[account.id])
    return [(_("Accounts"), reverse("admin:accounts")), (account.account_number, own)]
