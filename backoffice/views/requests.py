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
from backoffice.presenters.values import money, record_url
from backoffice.views import transfers
from backoffice.views.confirm import Crumbs
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import answer_form, form_page
from dynamodb.times import utc_now
from payments import approvals, queries
from payments.models import Payment


def found(payment_id: str) -> Payment:
    """A payment by the id in an address; raises ``Http404``."""
    payment = queries.get_payment(payment_id)
    if payment is None:
        told = _("There is no payment with the id {payment_id}.")
        raise Http404(told.format(payment_id=payment_id))
    return payment


@requires(Permission.CANCEL_OWN_REQUESTS, viewing="payment")
def cancel(request: StaffRequest, payment_id: str) -> HttpResponse:
    """Take back a request: one's own, or as a supervisor anyone's."""
    payment, person = found(payment_id), request.user
    is_own = payment.requested_by == person.username
    if not (is_own or person.has_perm(Permission.CANCEL_ANY_REQUEST)):
        raise PermissionDenied(Permission.CANCEL_ANY_REQUEST)
    show = partial(_form_page, request, payment, title=_("Cancel the request"))

    def act(form: CancelForm) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        approvals.cancel_payment(
            payment_id=payment.id, reason=reason, actor=person.actor, at=utc_now()
        )
        freed = _("The request is canceled, and its money is free again.")
        messages.success(request, freed if payment.reserved else _("The request is canceled."))
        return redirect("admin:payment", payment.id)

    return answer_form(request, CancelForm, act, show)


@requires(Permission.REVERSE_PAYMENTS, viewing="payment")
@freshly_proved()
def reverse_payment(request: StaffRequest, payment_id: str) -> HttpResponse:
    """Give back a payment, whole or in part: a transfer the same way back."""
    payment, at = found(payment_id), utc_now()
    new = partial(
        ReverseForm,
        payment=payment,
        username=request.user.username,
        at=at,
        initial=request.POST.dict(),
    )
    left = money(payment.reversible, payment.currency)
    about = _("{left} of this payment can still go back the way it came.").format(left=left)
    show = partial(_form_page, request, payment, title=_("Reverse the payment"), about=about)
    act = partial(
        transfers.act, request, at, title=_("Confirm the reversal"), crumbs=payment_crumbs(payment)
    )
    return answer_form(request, new, act, show)


def _form_page(
    request: StaffRequest, payment: Payment, form: ActionForm, **more: Any
) -> HttpResponse:
    about = {"row": PaymentRow(payment), "crumbs": payment_crumbs(payment)}
    return form_page(request, "backoffice/payments/action.html", form, **about, **more)


def payment_crumbs(payment: Payment) -> Crumbs:
    return [(_("Payments"), reverse("admin:payments")), (payment.id, record_url(payment.id))]
