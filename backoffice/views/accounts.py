"""Accounts: the list, one of them, opening one, and what a supervisor does with one."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit import queries as trail
from backoffice.finding import note_known_as
from backoffice.forms import lifecycle as forms
from backoffice.forms.accounts import AccountFilter, InstantForm, OpenAccountForm
from backoffice.holds.subjects import holds_shown
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.accounts import AccountView, State, account_table, movements, stood
from backoffice.presenters.audit import entry_rows
from backoffice.presenters.charts import curve
from backoffice.presenters.lists import asked_page, listed, pager
from backoffice.presenters.payments import waiting_note
from backoffice.presenters.retention import kept_record
from backoffice.presenters.values import record_url
from backoffice.site import page
from backoffice.views.confirm import Crumbs, Facts
from backoffice.views.deeds import Deeds
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.newer import newer_url
from backoffice.views.once import answer_form, form_page
from dynamodb.pages import Page
from dynamodb.times import to_rfc3339, utc_now
from payments import accounts, lifecycle, queries
from payments.history import timeline
from payments.history.statements import lines_of
from payments.models import Account


@requires(Permission.READ_ACCOUNTS, searching="account")
def listing(request: StaffRequest) -> HttpResponse:
    form, at = AccountFilter(request.GET), utc_now()
    context: dict[str, Any] = {"title": _("Accounts"), "form": form}
    if form.is_valid():
        context |= listed(request, _accounts(form.cleaned_data, request), AccountView)
        context["table"] = account_table(context["rows"], request.user)
        if not any(map(request.GET.get, form.fields)):
            context["newer_url"] = newer_url(request, "accounts", to_rfc3339(at))
    return page(request, "backoffice/accounts/list.html", context)


def _accounts(wanted: dict[str, str], request: StaffRequest) -> Page[Account]:
    """A page of the list. A number leads to its one account, if the other filters let it pass."""
    number = wanted["account_number"]
    if not number:
        return queries.list_accounts(
            customer_id=wanted["customer_id"],
            status=wanted["status"],
            account_type=wanted["account_type"],
            **asked_page(request),
        )
    found = queries.get_account(number)
    passes = all(value in ("", getattr(found, name, None)) for name, value in wanted.items())
    return Page(rows=[found] if found is not None and passes else [])


@requires(Permission.READ_ACCOUNTS, viewing="account")
def detail(request: StaffRequest, account_id: str) -> HttpResponse:
    account = found_account(account_id)
    chain = trail.chain_page(account.id, **asked_page(request))
    note_known_as(request, account)
    form = InstantForm(request.GET if "at" in request.GET else None)
    context = {
        "title": _("Account {account_number}").format(account_number=account.account_number),
        "shown": AccountView(account),
        "account": account,
        "form": form,
        "stood": stood(timeline.account_at(account.id, form.at), account) if form.at else None,
        "state": State.of(account, utc_now()),
        "movements": movements(chain.rows, account.currency),
        "curve": curve([*lines_of(reversed(chain.rows))], account.currency),
        "entries": entry_rows(chain.rows, currency=account.currency),
        "pager": pager(request, chain),
        "kept": kept_record(account.updated_at, holds_shown(account, request.user)),
    }
    return page(request, "backoffice/accounts/detail.html", context)


def account_crumbs(account: Account) -> Crumbs:
    return [
        (_("Accounts"), reverse("admin:accounts")),
        (account.account_number, record_url(account.id)),
    ]


def found_account(account_id: str) -> Account:
    """An account by the id in an address; raises ``Http404``."""
    account = queries.get_account(account_id)
    if account is None:
        raise Http404(_("There is no account {account_id}.").format(account_id=account_id))
    return account


@requires(Permission.OPEN_ACCOUNTS)
def new(request: StaffRequest) -> HttpResponse:
    username, at = request.user.username, utc_now()
    initial = {"customer_id": request.GET.get("customer_id", "")}
    new = partial(OpenAccountForm, initial=initial, username=username, at=at)
    show = partial(form_page, request, "backoffice/accounts/new.html", title=_("Open an account"))

    def act(form: OpenAccountForm) -> HttpResponse:
        opening = accounts.open_account(form.opening(), actor=request.user.actor, at=at)
        if opening.pending:
            messages.warning(request, waiting_note(opening.pending))
        return redirect("admin:account", opening.account.id)

    return answer_form(request, new, act, show)


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
    form=forms.AccountForm,
    template="backoffice/accounts/action.html",
    find=found_account,
    crumbs=account_crumbs,
    shown=_shown,
    facts=_facts,
    finish=_finish,
)
_guard = requires(Permission.MANAGE_ACCOUNTS, viewing="account")

freeze = _guard(_DEEDS.page_of("account_freeze", lifecycle.freeze_account, forms.FreezeForm))
unfreeze = _guard(freshly_proved()(_DEEDS.page_of("account_unfreeze", lifecycle.unfreeze_account)))
unlock = _guard(_DEEDS.page_of("account_unlock", lifecycle.unlock_debits))
edit = _guard(_DEEDS.page_of("account_edit", lifecycle.edit_account, forms.EditForm))
close = _guard(_DEEDS.page_of("account_close", lifecycle.close_account, forms.CloseForm))
