"""Running a transfer: enter, see what it would do, confirm."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.forms.decisions import ReverseForm
from backoffice.forms.transfers import ENDS, TransferForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.accounts import asked_today, sides
from backoffice.presenters.approvals import why_it_waits
from backoffice.presenters.payments import twin_note
from backoffice.presenters.values import money, record_url
from backoffice.views.confirm import Asking, Crumbs, confirmation, is_confirmed
from backoffice.views.find import look_up
from backoffice.views.once import form_page, settle
from dynamodb.times import utc_now
from payments import queries, transfers
from payments.models import PaymentStatus
from payments.refusals import field_of
from payments.transfers import Preview, Transfer, TransferRequest

MovingForm = TransferForm | ReverseForm


@requires(Permission.RUN_TRANSFERS)
def new(request: StaffRequest) -> HttpResponse:
    """The form, its confirmation and its outcome, all at one address.

    ``confirm=yes`` runs the transfer, ``edit`` goes back to the form with what was typed.
    """
    username, at = request.user.username, utc_now()
    show = partial(form_page, request, "backoffice/transfers/new.html", title=_("New transfer"))
    if request.method != "POST" or "edit" in request.POST:
        return show(_entered(request, at), found=_found(request))
    crumbs = [(_("New transfer"), reverse("admin:transfer_new"))]
    act_on = partial(act, request, at, title=_("Confirm the transfer"), crumbs=crumbs)
    return settle(request, TransferForm(request.POST, username=username, at=at), act_on, show)


def act(
    request: StaffRequest, at: datetime, form: MovingForm, *, title: str, crumbs: Crumbs
) -> HttpResponse | None:
    """Show what a transfer would do, or once it is confirmed do it; ``None`` for a refusal."""
    actor = request.user.actor
    if is_confirmed(request):
        return _answer(form, transfers.transfer_funds(form.transfer(), actor=actor, at=at))
    decided = transfers.preview_transfer(form.transfer(), actor=actor, at=at)
    if isinstance(decided, Preview):
        asking = _asking(form.transfer(), decided, at)
        return confirmation(request, form, replace(asking, title=title, crumbs=crumbs))
    return _answer(form, decided)


def _answer(form: MovingForm, transfer: Transfer) -> HttpResponse | None:
    payment = transfer.payment
    if payment.status != PaymentStatus.FAILED:
        return redirect("admin:payment", payment.id)
    form.refuse(field_of(payment.failure_code or ""), payment.failure_reason or _("Refused."))
    form.refused_url = record_url(payment.id)
    return None


def _asking(entered: TransferRequest, preview: Preview, at: datetime) -> Asking:
    amount = money(entered.amount_minor, entered.currency)
    twin = queries.find_twin(
        preview.source, preview.target, amount_minor=entered.amount_minor, at=at
    )
    facts = {
        _("Description"): entered.description,
        _("Merchant"): entered.merchant_id,
        _("On the day"): entered.scheduled_for,
        _("Reverses"): entered.reverses,
        _("Payment id"): entered.payment_id,
        _("Asked for by you today"): asked_today(preview.maker, entered.currency),
    }
    if entered.scheduled_for:
        button = _("Schedule {amount}")
        notes = [_("It is decided on its day, as both accounts stand.")]
    elif preview.triggers:
        button, notes = _("Ask for approval of {amount}"), why_it_waits(preview.triggers)
    else:
        button, notes = _("Move {amount}"), []
    button = button.format(amount=amount)
    if twin:
        button = _("Send %s all the same") % amount
        notes = [twin_note(twin, at), *notes]
    return Asking(
        title="",
        button=button,
        amount=amount,
        facts=[(label, value) for label, value in facts.items() if value],
        sides=sides(preview),
        notes=notes,
    )


def _entered(request: StaffRequest, at: datetime) -> TransferForm:
    """A form that is not sent yet: new, perhaps with its accounts in the address, or edited."""
    if request.method == "POST":
        initial = request.POST.dict()
    else:
        initial = {name: request.GET.get(name, "") for name in ENDS}
    return TransferForm(initial=initial, username=request.user.username, at=at)


def _found(request: StaffRequest) -> dict[str, Any]:
    """What the accounts of an edited form lead to, for those who have no script to look."""
    person = request.user.username
    return {
        name: look_up(text, person=person) for name in ENDS if (text := request.POST.get(name, ""))
    }
