"""What a password must not be, beyond Django's own rules."""

from typing import Any

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

REMEMBERED = 4
"""How many passwords of a person, with the present one, are not taken again (PCI DSS 8.3.7)."""


class MaximumLengthValidator:
    """Refuses passwords so long that hashing them would be work for an attacker to ask for."""

    def __init__(self, max_length: int) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: object = None) -> None:  # noqa: ARG002 - Django's signature
        if len(password) > self.max_length:
            told = _("This password is too long. It may have at most {number} characters.")
            raise ValidationError(told.format(number=self.max_length), code="password_too_long")

    def get_help_text(self) -> str:
        told = _("Your password may have at most {number} characters.")
        return told.format(number=self.max_length)


class HistoryValidator:
    """Refuses the passwords that a person has, or had last."""

    def validate(self, password: str, user: Any = None) -> None:
        record = getattr(user, "record", None)
        if record is None:
            return
        had = [record.password, *(record.past_passwords or ())]
        if any(check_password(password, each) for each in had if each):
            raise ValidationError(
                _("This is one of your last {number} passwords.").format(number=REMEMBERED),
                code="password_used_before",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be one of your last {number}.").format(number=REMEMBERED)
