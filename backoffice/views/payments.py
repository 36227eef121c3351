"""Payments, and the customers and merchants they belong to."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.queries import chain_page
from backoffice.finding import note_known_as
from backoffice.forms.payments import PaymentFilter
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.accounts import AccountView, account_table
from backoffice.presenters.audit import entry_rows
from backoffice.presenters.lists import asked_page, listed
from backoffice.presenters.payments import PaymentRow, payment_table, side
from backoffice.presenters.retention import kept_record
from backoffice.presenters.track import track
from backoffice.reading import note_days
from backoffice.site import page
from backoffice.views.newer import asked_at, newer_url
from backoffice.views.requests import found as get_payment
from dynamodb.pages import Page
from payments import queries
from payments.models import Payment


@requires(Permission.READ_PAYMENTS, searching="payment")
def payment_list(request: StaffRequest) -> HttpResponse:
    form = PaymentFilter(request.GET, zone=request.user.zone.key)
    context = {"title": _("Payments"), "form": form}
    if form.is_valid():
        found = queries.list_payments(**asked_page(request), **form.wanted)
        note_days(request, form.days)
        context |= _listed(request, found, kept=form.days)
        if found.rows:
            context["newer_url"] = newer_url(request, "payments", asked_at(found.rows[0]))
    return page(request, "backoffice/payments/list.html", context)


def _listed(request: StaffRequest, found: Page[Payment], **more: Any) -> dict[str, Any]:
    context = listed(request, found, PaymentRow, **more)
    return context | {"table": payment_table(context["rows"], request.user)}


@requires(Permission.READ_PAYMENTS, viewing="payment")
def payment(request: StaffRequest, payment_id: str) -> HttpResponse:
    found = get_payment(payment_id)
    note_known_as(request, found)
    trail = chain_page(found.id, person=request.user.username)
    source, target = queries.get_accounts(*found.ends)
    context = {
        "title": _("Payment"),
        "row": PaymentRow(found),
        "sides": [
            side(_("From"), found.from_account_id, source),
            side(_("To"), found.to_account_id, target),
        ],
        "entries": entry_rows(trail.rows, currency=found.currency),
        "track": track(found),
        "is_own": found.requested_by == request.user.username,
        "can_reverse": found.reversible and not found.reverses,
        "kept": kept_record(found.updated_at),
        "holds_url": reverse("admin:payment_holds", args=[found.id]),
    }
    return page(request, "backoffice/payments/detail.html", context)


@requires(Permission.READ_PAYMENTS, viewing="customer")
def customer(request: StaffRequest, customer_id: str) -> HttpResponse:
    asked = asked_page(request)
    accounts = queries.list_accounts(person=asked["person"], customer_id=customer_id)
    found = queries.get_customer_payments(customer_id=customer_id, **asked)
    if not (accounts.rows or found.rows or asked["cursor"]):
        told = _("No account and no payment belongs to a customer {customer_id}.")
        raise Http404(told.format(customer_id=customer_id))
    context = {
        "title": _("Customer {customer_id}").format(customer_id=customer_id),
        "customer_id": customer_id,
        "accounts": account_table(map(AccountView, accounts.rows), request.user),
        "has_more_accounts": accounts.next_cursor,
        **_listed(request, found),
    }
    return page(request, "backoffice/payments/customer.html", context)


@requires(Permission.READ_PAYMENTS, viewing="merchant")
def merchant(request: StaffRequest, merchant_id: str) -> HttpResponse:
    asked = asked_page(request)
    found = queries.list_payments(merchant_id=merchant_id, **asked)
    if not (found.rows or asked["cursor"]):
        told = _("No payment names a merchant {merchant_id}.")
        raise Http404(told.format(merchant_id=merchant_id))
    context = {
        "title": _("Merchant {merchant_id}").format(merchant_id=merchant_id),
        "merchant_id": merchant_id,
        **_listed(request, found),
    }
    return page(request, "backoffice/payments/merchant.html", context)
