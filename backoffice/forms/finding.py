"""What somebody types to find something, and to keep a list as it is narrowed."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _

from backoffice.forms.accounts import why_no_number
from backoffice.forms.fields import IdField, TextField, TypedForm
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


class LookupForm(TypedForm):
    q = IdField(help_text=_("An account by number or id, or a customer."))


ADDRESS_LENGTH, NAME_LENGTH = 500, 40
LISTS = frozenset({"accounts", "alerts", "audit", "cases", "payments"})


class SavedViewForm(TypedForm):
    name = TextField(
        max_length=NAME_LENGTH, required=False, help_text=_("A name for the list as it is.")
    )
    address = TextField(max_length=ADDRESS_LENGTH, widget=forms.HiddenInput)
    remove = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_address(self) -> str:
        """The address of a list here, never one elsewhere."""
        address: str = self.cleaned_data["address"]
        try:
            found = resolve(address.partition("?")[0])
        except Resolver404:
            found = None
        if found is None or found.url_name not in LISTS:
            raise ValidationError(_("Only lists can be saved as views."))
        return address

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if not (found.get("remove") or found.get("name")):
            self.add_error("name", _("Give the view a name."))
        return found
