"""What a reviewer says of the lines of a day."""

from datetime import date
from typing import Any

from django import forms

from backoffice.forms.fields import IdField, TextField
from backoffice.forms.ids import ActionForm
from backoffice.reviews.records import Decision
from backoffice.reviews.refusals import NothingChosen

_NOTE_LENGTH = 500


class DecisionForm(ActionForm):
    """One decision on the chosen lines of a page."""

    subject = "review"

    decision = forms.ChoiceField(
        label="Decision",
        choices=[
            (Decision.TICKED, "Looked at, nothing to do"),
            (Decision.NOTED, "Noted"),
            (Decision.CASE, "Made part of a case"),
        ],
    )
    note = TextField(
        label="Note", required=False, max_length=_NOTE_LENGTH, help_text="Needed where you note it."
    )
    case_id = IdField(
        label="Case", required=False, help_text="The id of the case, where it became part of one."
    )

    def clean(self) -> dict[str, Any]:
        items = self.data.getlist("items") if hasattr(self.data, "getlist") else []
        if not items:
            self._add_refusal(None, NothingChosen())
        return {**self.cleaned_data, "item_ids": items}


class SignForm(ActionForm):
    """Signing a day: nothing but the click and its confirmation."""

    subject = "review"


class YearForm(forms.Form):
    """Which year the calendar shows; this one unless a sensible other is asked for."""

    year = forms.IntegerField(min_value=2000, max_value=9999, required=False)

    def chosen(self, today: date) -> int:
        return (self.cleaned_data["year"] if self.is_valid() else None) or today.year
