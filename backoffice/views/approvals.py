"""Four eyes on one request: what its checker needs to know, and the decision."""

from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.queries import chain_page
from backoffice.forms.decisions import DecisionForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.accounts import sides, unchanged
from backoffice.presenters.approvals import Since, since, waiting, why_it_waits
from backoffice.presenters.payments import PaymentRow
from backoffice.views.confirm import Asking, confirmation, is_confirmed
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.inbox import must_decide
from backoffice.views.once import answer_form, form_page
from backoffice.views.requests import found
from dynamodb.times import to_rfc3339, utc_now
from payments import approvals, queries
from payments.models import Account, Payment
from payments.refusals import Refusal
from payments.transfers import Preview

_ENTRIES = 10
"""How many newer entries of an account a checker is shown; the account's page has them all."""


@requires(Permission.READ_APPROVALS, viewing="payment")
@freshly_proved(posts_only=True)
def approval(request: StaffRequest, payment_id: str) -> HttpResponse:
    payment, at = found(payment_id), utc_now()
    if request.method == "POST":
        must_decide(request)
    show = partial(_approval_page, request, payment, at)
    return answer_form(request, DecisionForm, partial(_act, request, payment, at), show)


def _act(request: StaffRequest, payment: Payment, at: datetime, form: DecisionForm) -> HttpResponse:
    actor, entered = request.user.actor, form.cleaned_data
    shown = {"payment_id": payment.id, "shown": entered["digest"]}
    if entered["decision"] == "reject":
        approvals.reject_payment(
            payment_id=payment.id, reason=entered["reason"], actor=actor, at=at
        )
    elif is_confirmed(request):
        approvals.approve_payment(**shown, actor=actor, at=at)
    else:
        preview = approvals.review_approval(**shown, actor=actor, at=at)
        return confirmation(request, form, _asking(payment, preview))
    return redirect("admin:payment", payment.id)


def _asking(payment: Payment, preview: Preview) -> Asking:
    amount = PaymentRow(payment).amount
    own = reverse("admin:approval", args=[payment.id])
    return Asking(
        title=_("Confirm the approval"),
        button=_("Approve and move {amount}").format(amount=amount),
        crumbs=[(_("Approvals"), reverse("admin:approvals")), (payment.id, own)],
        amount=amount,
        facts=[
            (_("Asked for by"), payment.requested_by or ""),
            (_("Description"), payment.description or "\u2013"),
        ],
        sides=sides(preview),
    )


def _approval_page(
    request: StaffRequest, payment: Payment, at: datetime, form: DecisionForm, **more: Any
) -> HttpResponse:
    ends = queries.get_accounts(*payment.ends)
    context: dict[str, Any] = {
        "title": _("Approval"),
        "asked": waiting(payment, viewer=request.user.username, at=at),
        "digest": approvals.digest(payment),
        "why": why_it_waits(payment.triggers or ()) if payment.triggers else (),
        "changes": _changes(request, payment, ends),
        "sides": unchanged(*ends),
        **more,
    }
    try:
        if payment.can_cancel() and not payment.awaits_its_day:
            context["sides"] = sides(approvals.preview_approval(payment, *ends, at=at))
    except Refusal as refusal:
        context["refusal"] = refusal
    return form_page(request, "backoffice/approvals/detail.html", form, **context)


def _changes(request: StaffRequest, payment: Payment, ends: list[Account | None]) -> list[Since]:
    """What both accounts have seen since the request, in one read each."""
    asked_at = payment.created_at
    start = to_rfc3339(asked_at) if isinstance(asked_at, datetime) else ""
    read = partial(chain_page, person=request.user.username, since=start, rows=_ENTRIES)
    return [
        since(name, read(account.id), payment)
        for name, account in zip((_("From"), _("To")), ends, strict=True)
        if account is not None
    ]
