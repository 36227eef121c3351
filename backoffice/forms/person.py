"""What people change about themselves."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import TypedForm
from backoffice.numbers import NUMBER_FORMATS
from backoffice.staff import doings, lockout, services
from backoffice.staff.services import known_time_zones
from dynamodb.times import utc_now


class SignInForm(AdminAuthenticationForm):
    """One answer for every sign-in that fails, whatever the reason."""

    error_messages = {
        "invalid_login": _(
            "No active member of staff has this username and password. "
            "Check both: capitals count in a password."
        )
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("Username")
        self.fields["username"].help_text = _("As an administrator has given it to you.")
        self.fields["password"].help_text = _("A few wrong ones lock it for a while.")


class PasswordForm(AdminPasswordChangeForm):
    """To guess the old password here counts as it does at signing in."""

    old_password = forms.CharField(
        label=_("Old password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
        help_text=_("The one that you signed in with."),
    )

    def clean_old_password(self) -> str:
        username, at = self.user.username, utc_now()
        tried = lockout.count_one(username, at)
        old: str = self.cleaned_data["old_password"]
        if lockout.is_too_many(tried) or not self.user.check_password(old):
            doings.proof_refused(username, "password change", tried=tried, at=at)
            raise ValidationError(self.error_messages["password_incorrect"])
        lockout.give_back(username)
        return old

    def save(self, commit: bool = True) -> Any:  # noqa: ARG002 - Django's signature
        """Change the password through its service, which leaves an entry."""
        person = self.user
        person.record = services.set_password(
            username=person.username,
            password=self.cleaned_data["new_password1"],
            actor=person.actor,
            at=utc_now(),
        )
        person.password = person.record.password
        return person


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in known_time_zones()]


class PreferencesForm(TypedForm):
    time_zone = forms.ChoiceField(
        choices=_zones,
        help_text=_(
            "Times are shown in this zone. UTC is always at hand: point at a time to see it."
        ),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=lambda: [("", _("As the browser asks")), *settings.LANGUAGES],
        required=False,
        help_text=_("Of the pages. What is recorded stays in English."),
    )
    number_format = forms.ChoiceField(
        label=_("Numbers"),
        choices=lambda: [
            ("" if each == NUMBER_FORMATS[0] else each, each) for each in NUMBER_FORMATS
        ],
        required=False,
        help_text=_("1234.56 can always be typed. Files keep 1234.56."),
    )
    shortcuts_off = forms.BooleanField(
        label=_("Switch keyboard shortcuts off"),
        required=False,
        help_text=_(
            "Then keys such as / or ? lead nowhere. The foot of each page keeps the list of them."
        ),
    )
