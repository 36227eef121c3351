"""What a password must not be, beyond Django's own rules."""

from django.core.exceptions import ValidationError


class MaximumLengthValidator:
    """Refuses passwords so long that hashing them would be work for an attacker to ask for."""

    def __init__(self, max_length: int) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: object = None) -> None:  # noqa: ARG002 - Django's signature
        if len(password) > self.max_length:
            raise ValidationError(
                f"This password is too long. It may have at most {self.max_length} characters.",
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        return f"Your password may have at most {self.max_length} characters."
