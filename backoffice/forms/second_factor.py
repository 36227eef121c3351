"""What somebody enters to prove who they are, and to add a second factor."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import TextField, TypedForm
from backoffice.forms.ids import ActionForm

_ANSWER_LENGTH = 20_000
_CODE_LENGTH = 64
_NAME_LENGTH = 40


class _CodeInput(forms.TextInput):
    """A code is never sent back in a page, not even a wrong one."""

    def format_value(self, _value: object) -> None:
        return None


class _AnswerInput(forms.HiddenInput):
    def format_value(self, _value: object) -> None:
        return None


class CodeField(TextField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_CODE_LENGTH, widget=_CodeInput, **options)
        self.widget.attrs |= {
            "autocomplete": "one-time-code",
            "spellcheck": "false",
            "autofocus": True,
        }


class PasskeyField(forms.CharField):
    """A browser's answer as JSON, which a script puts here."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=_ANSWER_LENGTH, widget=_AnswerInput)


class ProofForm(TypedForm):
    """A second factor shown. Its names stand beside those of any other form."""

    proof_code = CodeField(
        label=_("Code"),
        required=False,
        help_text=_("Six digits of your authenticator app, or a recovery code."),
    )
    proof_passkey = PasskeyField()


class FactorForm(ActionForm):
    """What is done with one's own second factors; alone, nothing but the click."""

    subject = "second_factor"


class AppForm(FactorForm):
    """The first code of a new authenticator app; ``sealed`` is its seed, encrypted."""

    sealed = forms.CharField(max_length=400, widget=forms.HiddenInput)
    code = CodeField(help_text=_("Six digits, as the app shows them now."))


class PasskeyForm(FactorForm):
    name = TextField(
        max_length=_NAME_LENGTH,
        help_text=_("So that you know it again, such as Laptop or Blue key."),
    )
    passkey = PasskeyField()
