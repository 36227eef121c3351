"""What somebody types or pastes to find something."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backoffice.forms.accounts import why_no_number
from backoffice.forms.fields import TextField, TypedForm
from payments.identifiers import is_account_number

_LONGEST = 200


class FindForm(TypedForm):
    q = TextField(
        label=_("Find anything"),
        max_length=_LONGEST,
        required=False,
        help_text=_("A number, an id, a customer, a page, or a word to explain."),
    )

    def clean_q(self) -> str:
        """An account number may be written in groups."""
        text: str = self.cleaned_data["q"]
        number = re.sub(r"[\s-]", "", text)
        if not re.fullmatch("[0-9]{12}", number):
            return text
        if not is_account_number(number):
            raise ValidationError(why_no_number(number))
        return number
