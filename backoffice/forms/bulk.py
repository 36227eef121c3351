"""Handing in a bulk file, confirming it, and deciding what waits of it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.forms.decisions import DecisionForm
from backoffice.forms.fields import IdField
from backoffice.forms.ids import ActionForm
from backoffice.forms.lifecycle import ReasonField


class UploadForm(ActionForm):
    subject = "bulk"

    file = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.xml,text/csv,text/xml,application/xml"}),
        help_text=_("CSV or pain.001, at most 10,000 rows and 20 MB."),
        error_messages={"empty": _("This file is empty.")},
    )


class ConfirmForm(ActionForm):
    """The file is named by the address. ``run`` names an application of it beyond its first."""

    subject = "bulk"

    run = IdField(
        label=_("Name of this run"),
        required=False,
        help_text=_("Only to pay the same file again, such as 2026-06. A name is used once."),
    )


class BatchForm(DecisionForm):
    """What becomes of all that waits of a batch; its maker may take it back."""

    decision = forms.ChoiceField(
        choices=[("approve", _("Approve")), ("reject", _("Reject")), ("cancel", _("Take back"))],
        widget=forms.HiddenInput,
    )
    reason = ReasonField(label=_("Why"), required=False)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("decision") == "cancel" and not self.cleaned_data.get("reason"):
            self.cleaned_data["reason"] = "Taken back with its batch"
        return super().clean()
