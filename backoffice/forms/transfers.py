"""What somebody enters to have money moved."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import AmountField, CurrencyField, DayField, IdField, TextField
from backoffice.forms.ids import OnceForm
from payments.requests import DESCRIPTION_LENGTH, TransferRequest

ENDS = ("from_account_id", "to_account_id")

_ACCOUNT_HELP = _("Account number or id. A customer's id shows their accounts to choose from.")


class TransferForm(OnceForm):
    """``refused_url`` leads to the payment that keeps a refused attempt."""

    subject = "transfer"
    id_field = "payment_id"
    refused_url = ""

    from_account_id = IdField(label=_("From account"), help_text=_ACCOUNT_HELP)
    to_account_id = IdField(label=_("To account"), help_text=_ACCOUNT_HELP)
    amount = AmountField(help_text=_("In major units, such as 1234.50."))
    currency = CurrencyField(help_text=_("The currency of both accounts."))
    description = TextField(
        required=False,
        max_length=DESCRIPTION_LENGTH,
        help_text=format_lazy(_("At most {most} characters."), most=DESCRIPTION_LENGTH),
    )
    merchant_id = IdField(
        label=_("Merchant"), required=False, help_text=_("The merchant's id, if any.")
    )
    scheduled_for = DayField(
        _("On a later day"),
        help_text=_("A UTC day from tomorrow on. Leave it empty to move the money now."),
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean()
        cleaned["amount_minor"] = self.read_amount("amount")
        return cleaned

    def transfer(self) -> TransferRequest:
        """The request, of a form that is valid."""
        entered = self.asked
        del entered["amount"]
        day = entered.pop("scheduled_for")
        entered["scheduled_for"] = day.isoformat() if day else ""
        return TransferRequest(payment_id=self.request_id, **entered)
