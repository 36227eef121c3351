"""What somebody enters to open an account or to find some."""

import re
from datetime import UTC, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import (
    AmountField,
    CurrencyField,
    IdField,
    OneOfField,
    TextField,
    TypedForm,
    choices_of,
)
from backoffice.forms.ids import OnceForm
from payments.identifiers import is_account_number
from payments.models import AccountStatus, AccountType
from payments.requests import CUSTOMER_ACCOUNT_TYPES, OpeningRequest

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2999, 1, 1, tzinfo=UTC)
_NO_YEAR = _("Enter a time from the year 2000 on.")
_TO_THE_SECOND = {"type": "datetime-local", "step": "1"}


class OpenAccountForm(OnceForm):
    subject = "account"
    id_field = "request_id"

    customer_id = IdField(
        label=_("Customer"), help_text=_("The owner's id, as other systems know it.")
    )
    account_type = OneOfField(
        choices=choices_of(CUSTOMER_ACCOUNT_TYPES, _("Choose")),
        help_text=_("What the account is for. It stays."),
    )
    currency = CurrencyField()
    opening_balance = AmountField(
        required=False,
        help_text=_("In major units, such as 1234.50. Leave it empty to open with nothing."),
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean()
        cleaned["opening_balance_minor"] = self.read_amount("opening_balance")
        return cleaned

    def refuse(self, field: str, sentence: str) -> None:
        """As any form; the amount is the opening balance here."""
        super().refuse("opening_balance" if field == "amount" else field, sentence)

    def opening(self) -> OpeningRequest:
        """The request, of a form that is valid."""
        entered = self.asked
        del entered["opening_balance"]
        return OpeningRequest(request_id=self.request_id, **entered)


class AccountFilter(TypedForm):
    """Which accounts to list."""

    list_name = "accounts"
    columns = {
        "owner": _("Owner"),
        "type": _("Type"),
        "available": _("Available"),
        "opened": _("Opened"),
    }

    customer_id = IdField(
        label=_("Customer"), required=False, help_text=_("The owner's id, letter by letter.")
    )
    account_number = TextField(
        required=False, help_text=_("All 12 digits lead to the one account.")
    )
    status = OneOfField(
        label=_("State"),
        choices=choices_of(list(AccountStatus), _("Not chosen")),
        required=False,
        help_text=_("Without one, active accounts are listed."),
    )
    account_type = OneOfField(
        label=_("Type"),
        choices=choices_of(list(AccountType), _("Not chosen")),
        required=False,
        help_text=_("The house's own are of the type system."),
    )

    def clean_account_number(self) -> str:
        number: str = self.cleaned_data["account_number"]
        if number and not is_account_number(number):
            raise ValidationError(why_no_number(number))
        return number

    @property
    def wanted(self) -> dict[str, str]:
        """What ``queries.list_accounts`` takes; a number is no filter of its."""
        names = ("customer_id", "status", "account_type")
        return {name: self.cleaned_data[name] for name in names}


def why_no_number(text: str) -> str:
    """What is wrong with a text that should be an account number."""
    if re.fullmatch("[0-9]{12}", text):
        return gettext("The check digits do not fit: a digit is mistyped.")
    return gettext("An account number has 12 digits.")


class InstantForm(TypedForm):
    """An instant to look at an account at, in the person's time zone."""

    def __init__(self, asked: QueryDict | None) -> None:
        super().__init__(asked)
        self.fields["at"] = forms.DateTimeField(
            label=_("As it stood at"),
            help_text=_("A day and a time, in your time zone."),
            widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs=_TO_THE_SECOND),
            validators=[
                MinValueValidator(_EARLIEST, _NO_YEAR),
                MaxValueValidator(_LATEST, _NO_YEAR),
            ],
            error_messages={"invalid": _("Enter a time such as 2026-01-31T09:30.")},
        )

    @property
    def at(self) -> datetime | None:
        return self.cleaned_data["at"] if self.is_valid() else None
