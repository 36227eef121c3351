"""Filters of alerts and cases, and what compliance enters to work on them."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import IdField, OneOfField, ReasonField, TypedForm, Words
from backoffice.forms.ids import DeedForm, OnceForm
from backoffice.permissions import Permission
from backoffice.staff import queries as staff
from backoffice.staff.models import Staff
from backoffice.templatetags.backoffice import in_words
from payments.alerts import services
from payments.alerts.records import AlertStatus, Case, CaseStatus, Outcome, Rule


class ChoiceFilter(OneOfField):
    def __init__(self, label: Words, values: type[AlertStatus | Rule | CaseStatus]) -> None:
        super().__init__(
            label=label,
            choices=lambda: [("", _("Any")), *((each.value, in_words(each)) for each in values)],
            required=False,
            help_text=_("Lists these alone."),
        )


def _customer() -> IdField:
    return IdField(
        label=_("Customer"), required=False, help_text=_("Whom it is about, in any state.")
    )


class AlertFilter(TypedForm):
    """Without a state or a customer it stands on open alerts."""

    status = ChoiceFilter(_("State"), AlertStatus)
    rule = ChoiceFilter(_("Rule"), Rule)
    assigned_to = IdField(
        label=_("Assigned to"), required=False, help_text=_("A reviewer's username.")
    )
    customer_id = _customer()

    def __init__(self, asked: QueryDict) -> None:
        super().__init__(_standing_on(asked, AlertStatus.OPEN))


class CaseFilter(TypedForm):
    """Without a state or a customer it stands on open cases."""

    status = ChoiceFilter(_("State"), CaseStatus)
    customer_id = _customer()

    def __init__(self, asked: QueryDict) -> None:
        super().__init__(_standing_on(asked, CaseStatus.OPEN))


def _standing_on(asked: QueryDict, status: str) -> QueryDict:
    data = asked.copy()
    if not (data.get("status") or data.get("customer_id")):
        data["status"] = status
    return data


class NoteField(ReasonField):
    """A reviewer's own words; a text of several lines becomes one."""

    def __init__(self) -> None:
        super().__init__(services.NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 4}))

    def to_python(self, value: Any) -> str:
        return " ".join(str(super().to_python(value)).split())


class OutcomeField(OneOfField, forms.TypedChoiceField):
    def __init__(self) -> None:
        super().__init__(
            choices=[
                (Outcome.REPORTED, _("Reported: a report is filed")),
                (Outcome.NOT_REPORTED, _("Not reported: looked into, and no report is due")),
                (Outcome.FALSE_ALARM, _("False alarm: nothing suspicious was there")),
            ],
            coerce=Outcome,
            widget=forms.RadioSelect,
            help_text=_("It cannot be changed afterwards."),
            error_messages={"required": _("Choose what it has come to.")},
        )


class WorkForm(DeedForm):
    """One thing done with an alert or a case; saved, it gives what it was done with."""

    subject = "alert"

    reason = NoteField()

    @property
    def named(self) -> dict[str, Any]:
        return {"case_id" if isinstance(self.record, Case) else "alert_id": self.record.id}


class AssignForm(WorkForm):
    assignee = IdField(label=_("Assign to"), help_text=_("The username of a compliance reviewer."))

    def clean_assignee(self) -> str:
        record = staff.find(self.cleaned_data["assignee"])
        person = Staff.of(record) if record and record.is_active else None
        if person is None or not person.has_perm(Permission.MANAGE_ALERTS):
            raise ValidationError(_("No active compliance reviewer has this username."))
        return person.username


class ResolveForm(WorkForm):
    is_final = True

    outcome = OutcomeField()


class OpenCaseForm(OnceForm, WorkForm):
    subject = "case"
    id_field = "case_name"

    @property
    def named(self) -> dict[str, Any]:
        return {"name": self.request_id, **super().named}


class CaseForm(WorkForm):
    subject = "case"


class AddAlertForm(CaseForm):
    alert_id = IdField(label=_("Alert"), help_text=_("The alert's id, as its page shows it."))


class CloseCaseForm(CaseForm):
    is_final = True

    outcome = OutcomeField()
