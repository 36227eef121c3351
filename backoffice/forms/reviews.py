"""What a reviewer says of the lines of a day."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import IdField, TextField
from backoffice.forms.ids import ActionForm, OnceForm
from backoffice.reviews.records import Decision
from backoffice.reviews.refusals import NothingChosen

_NOTE_LENGTH = 500


class DecisionForm(OnceForm):
    """One decision on the chosen lines of a page."""

    subject = "review"
    id_field = "request_id"

    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            (Decision.TICKED, _("Looked at, nothing to do")),
            (Decision.NOTED, _("Noted")),
            (Decision.CASE, _("Made part of a case")),
        ],
        help_text=_("What you make of the lines that you have ticked."),
    )
    note = TextField(
        label=_("Note"),
        required=False,
        max_length=_NOTE_LENGTH,
        help_text=_("Needed where you note it or open a case."),
    )
    case_id = IdField(
        label=_("Case"),
        required=False,
        help_text=_("The id of a case that it belongs to; empty opens a new one."),
    )

    def clean(self) -> dict[str, Any]:
        items = self.data.getlist("items") if hasattr(self.data, "getlist") else []
        if not items:
            self._add_refusal(None, NothingChosen())
        return {**super().clean(), "item_ids": items}

    @property
    def decided(self) -> dict[str, Any]:
        """What was decided on which lines, once the form is valid."""
        names = ("item_ids", "decision", "note", "case_id")
        return {name: self.cleaned_data[name] for name in names}


class SignForm(ActionForm):
    """Signing a day: nothing but the click and its confirmation."""

    subject = "review"


class MonthForm(forms.Form):
    """The last month that the calendar shows; this one unless an earlier one is asked for."""

    month = forms.DateField(input_formats=["%Y-%m-%d"], required=False)

    def chosen(self, today: date) -> date:
        asked = (self.cleaned_data["month"] if self.is_valid() else None) or today
        return min(max(asked, date(2000, 1, 1)), today).replace(day=1)
