"""What is done with one payment: a request taken back, a processed one reversed."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.forms.decisions import CancelForm, ReverseForm
from backoffice.forms.ids import ActionForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.payments import PaymentRow
from backoffice.presenters.values import money
from backoffice.views import transfers
from backoffice.views.confirm import Crumbs
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import form_page, settle
from dynamodb.times import utc_now
from payments import approvals, queries
from payments.models import Payment


def found(payment_id: str) -> Payment:
    """A payment by the id in an address; raises ``Http404``."""
    payment = queries.get_payment(payment_id)
    if payment is None:
        raise Http404(
            _("There is no payment with the id {payment_id}.").format(payment_id=payment_id)
        )
    return payment


@requires(Permission.CANCEL_OWN_REQUESTS, viewing="payment")
def cancel(request: StaffRequest, payment_id: str) -> HttpResponse:
    """Take back a request: one's own, or as a supervisor anyone's."""
    payment, person = found(payment_id), request.user
    is_own = payment.requested_by == person.username
    if not (is_own or person.has_perm(Permission.CANCEL_ANY_REQUEST)):
        raise PermissionDenied(Permission.CANCEL_ANY_REQUEST)
    show = partial(_form_page, request, payment, title=_("Cancel the request"))
    if request.method != "POST":
        return show(CancelForm())

    def act(form: CancelForm) -> HttpResponse:
        approvals.cancel_payment(
            payment_id=payment.id,
            reason=form.cleaned_data["reason"],
            actor=person.actor,
            at=utc_now(),
        )
        messages.success(request, _("The request is canceled, and its money is free again."))
        return redirect("admin:payment", payment.id)

    return settle(request, CancelForm(request.POST), act, show)


@requires(Permission.REVERSE_PAYMENTS, viewing="payment")
@freshly_proved()
def reverse_payment(request: StaffRequest, payment_id: str) -> HttpResponse:
    """Give back a payment, whole or in part: a transfer the same way back."""
    payment, at = found(payment_id), utc_now()
    new = partial(ReverseForm, payment=payment, username=request.user.username, at=at)
    left = money(payment.reversible, payment.currency)
    about = _("{left} of this payment can still go back the way it came.").format(left=left)
    show = partial(_form_page, request, payment, title=_("Reverse the payment"), about=about)
    if request.method != "POST" or "edit" in request.POST:
        return show(new(initial=request.POST.dict()))
    act = partial(
        transfers.act, request, at, title=_("Confirm the reversal"), crumbs=_crumbs(payment)
    )
    return settle(request, new(request.POST), act, show)


def _form_page(
    request: StaffRequest, payment: Payment, form: ActionForm, **more: Any
) -> HttpResponse:
    about = {"row": PaymentRow(payment), "crumbs": _crumbs(payment)}
    return form_page(request, "backoffice/payments/action.html", form, **about, **more)


def _crumbs(payment: Payment) -> Crumbs:
    own = reverse("admin:payment", args=[payment.id])
    return [(_("Payments"), reverse("admin:payments")), (payment.id, own)]
