"""Filters of the payment list."""

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import CurrencyField, IdField, OneOfField, choices_of
from backoffice.forms.periods import PeriodForm
from payments.models import PaymentStatus


class PaymentFilter(PeriodForm):
    """Without customer, merchant or state it stands on processed payments, the first view."""

    list_name = "payments"
    columns = {
        "sides": _("From and to"),
        "parties": _("Customer / merchant"),
        "words": _("Description"),
    }

    customer_id = IdField(
        label=_("Customer"), required=False, help_text=_("Who paid, by their id.")
    )
    merchant_id = IdField(
        label=_("Merchant"), required=False, help_text=_("Whom it was paid at, by their id.")
    )
    status = OneOfField(
        label=_("State"),
        choices=choices_of(list(PaymentStatus), _("Any")),
        required=False,
        help_text=_("Without any filter, processed payments are listed."),
    )
    currency = CurrencyField(
        label=_("Currency"),
        empty=_("Any"),
        required=False,
        help_text=_("Lists payments in this one alone."),
    )

    def __init__(self, asked: QueryDict, **options: str) -> None:
        data = asked.copy()
        if not any(data.get(name) for name in ("customer_id", "merchant_id", "status")):
            data["status"] = PaymentStatus.PROCESSED
        super().__init__(data, **options)

    @property
    def wanted(self) -> dict[str, Any]:
        """What ``queries.list_payments`` takes."""
        named = {name: self.cleaned_data[name] for name in self.base_fields}
        return named | {"between": self.between}
