"""What is entered where two people decide: on requests, on batches of a file, on legal holds."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import AmountField, IdField, OneOfField, ReasonField
from backoffice.forms.ids import ActionForm, OnceForm
from backoffice.numbers import fillable
from backoffice.presenters.values import typed
from dynamodb.pages import PAGE_ROWS
from payments.models import Payment
from payments.requests import TransferRequest

_CHOSEN = re.compile(r"(?P<payment_id>[0-9a-f-]{36}):(?P<digest>[0-9a-f]{64})", re.ASCII)


class DecisionForm(ActionForm):
    """One request approved or rejected; ``digest`` is of what the checker has seen."""

    subject = "approval"

    decision = forms.ChoiceField(
        choices=[("approve", _("Approve")), ("reject", _("Reject"))], widget=forms.HiddenInput
    )
    digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    reason = ReasonField(label=_("Why it is rejected"), required=False)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("decision") == "reject" and not self.cleaned_data.get("reason"):
            self.add_error("reason", ValidationError(_("Say why."), code="required"))
        return self.cleaned_data


class ChosenField(forms.MultipleChoiceField):
    """Requests chosen on a list, each with the digest of what was seen of it."""

    def __init__(self) -> None:
        super().__init__(
            error_messages={"required": _("Choose at least one request.")},
            help_text=_("Tick those that you have looked at."),
        )

    def validate(self, value: list[str]) -> None:
        forms.Field.validate(self, value)
        if len(value) > PAGE_ROWS or not all(_CHOSEN.fullmatch(each) for each in value):
            raise ValidationError(_("The choice did not arrive as it was made. Choose again."))


class BulkForm(ActionForm):
    """Many requests approved at once."""

    subject = "approval"

    chosen = ChosenField()

    def digests(self) -> dict[str, str]:
        """What was chosen: payment ids to digests, in the order of the list."""
        return dict(each.split(":") for each in self.cleaned_data["chosen"])


def chosen_value(payment_id: str, digest: str) -> str:
    """A request as the checkbox of a list names it."""
    return f"{payment_id}:{digest}"


class CancelForm(ActionForm):
    subject = "approval"

    reason = ReasonField()


class ReverseForm(OnceForm):
    """A payment given back, whole or in part. The reason is the reversal's description."""

    subject = "transfer"
    id_field = "payment_id"
    refused_url = ""

    amount = AmountField(help_text=_("Whole or in part, in major units."))
    reason = ReasonField()

    def __init__(
        self, *args: Any, payment: Payment, username: str, at: datetime, **kwargs: Any
    ) -> None:
        left = fillable(typed(payment.reversible, payment.currency))
        kwargs["initial"] = {"amount": left, **kwargs.get("initial", {})}
        super().__init__(*args, username=username, at=at, **kwargs)
        self.payment = payment
        self.show_in(payment.currency, "amount")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["amount_minor"] = self.read_amount("amount", self.payment.currency)
        return cleaned

    def refuse(self, field: str, sentence: str) -> None:
        """As any form; the reason is the transfer's description."""
        super().refuse("reason" if field == "description" else field, sentence)

    def transfer(self) -> TransferRequest:
        """The request, of a form that is valid."""
        return TransferRequest(
            payment_id=self.request_id,
            from_account_id=self.payment.to_account_id,
            to_account_id=self.payment.from_account_id,
            amount_minor=self.cleaned_data["amount_minor"],
            currency=self.payment.currency,
            description=self.cleaned_data["reason"],
            merchant_id=self.payment.merchant_id or "",
            reverses=self.payment.id,
        )


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


class HoldForm(ActionForm):
    subject = "hold"

    kind = OneOfField(
        label=_("What is held"),
        choices=[
            ("account", _("An account")),
            ("customer", _("A customer")),
            ("case", _("A case")),
        ],
        help_text=_("A customer's hold covers all their accounts and payments."),
    )
    held_id = IdField(
        label=_("Its id"), help_text=_("An account by id or number, a customer, a case.")
    )
    reason = ReasonField()


class AskReleaseForm(ActionForm):
    """The reason to release; another reviewer then confirms without typing anything."""

    subject = "hold"

    reason = ReasonField(label=_("Why it may be released"))


class ReleaseForm(ActionForm):
    subject = "hold"
