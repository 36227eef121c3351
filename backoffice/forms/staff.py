"""What an administrator enters to add a member of staff, or to change another's account."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from audit.context import Actor
from backoffice.forms.fields import IdField, ReasonField, TextField
from backoffice.forms.ids import ActionForm, DeedForm
from backoffice.permissions import Role
from backoffice.staff import managing
from backoffice.staff.queries import USERNAME_LENGTH
from backoffice.staff.records import StaffRecord
from backoffice.staff.services import NewStaff, known_time_zones
from backoffice.wording import said

_NAME_LENGTH = 80


class RolesField(forms.MultipleChoiceField):
    def __init__(self) -> None:
        super().__init__(
            choices=lambda: [(role.value, capfirst(said(role))) for role in Role],
            widget=forms.CheckboxSelectMultiple,
            required=False,
            help_text=_("Compliance and admin each stand alone: neither goes with another role."),
        )

    def clean(self, value: Any) -> list[Role]:
        return [Role(name) for name in super().clean(value)]


class NewStaffForm(ActionForm):
    subject = "staff"

    username = IdField(
        help_text=format_lazy(
            _("Small letters, digits, dots, dashes, at most {most}. It stays."),
            most=USERNAME_LENGTH,
        )
    )
    full_name = TextField(
        max_length=_NAME_LENGTH, help_text=_("As colleagues know them, such as Ada Lovelace.")
    )
    email = forms.EmailField(required=False, help_text=_("Where they can be reached, if anywhere."))
    roles = RolesField()
    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name.replace("_", " ")) for name in known_time_zones()],
        initial="UTC",
        help_text=_("They may change it themselves."),
    )

    def save(self, password: str, *, actor: Actor, at: datetime) -> StaffRecord:
        """Add the person, of a form that is valid; raises the service's refusals."""
        new = NewStaff(password=password, **self.cleaned_data)
        return managing.add_staff(new, actor=actor, at=at)


class StaffForm(DeedForm):
    """One thing done with another's account; saved, it gives a first password or a record."""

    subject = "staff"
    is_final = True

    reason = ReasonField()

    @property
    def named(self) -> dict[str, Any]:
        return {"username": self.record.username}


class RolesForm(StaffForm):
    roles = RolesField()

    def __init__(self, *args: Any, record: StaffRecord, **kwargs: Any) -> None:
        kwargs["initial"] = {"roles": record.roles, **kwargs.get("initial", {})}
        super().__init__(*args, record=record, **kwargs)


class SignOffForm(ActionForm):
    """The access review signed; ``seen`` is the digest of the rights that the signer has seen."""

    subject = "access_review"

    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    note = TextField(
        required=False,
        max_length=140,
        help_text=_("What you found, or who should lose what. At most 140 characters."),
    )

    def see(self, digest: str) -> None:
        """Put before the signer what they would sign now."""
        self.initial["seen"] = digest
        if self.is_bound:
            self._set("seen", digest)
