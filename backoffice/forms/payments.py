"""Filters of the payment list."""

from django import forms
from django.http import QueryDict

from backoffice.forms.fields import IdField, TypedForm
from payments.models import PaymentStatus

_STATES = [(state.value, state.value.capitalize()) for state in PaymentStatus]


class PaymentFilter(TypedForm):
    """Without any filter it stands on processed payments, the natural first view."""

    customer_id = IdField(label="Customer", required=False)
    merchant_id = IdField(label="Merchant", required=False)
    status = forms.ChoiceField(
        label="State",
        choices=[("", "Any"), *_STATES],
        required=False,
        error_messages={"invalid_choice": "Choose one of the list."},
    )

    def __init__(self, asked: QueryDict) -> None:
        data = asked.copy()
        if not any(data.get(name) for name in self.base_fields):
            data["status"] = PaymentStatus.PROCESSED
        super().__init__(data)
