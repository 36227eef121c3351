"""Fields as staff fill them in: plain text that can be kept, accounts, currencies, amounts."""

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.forms.utils import flatatt, pretty_name
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from backoffice import drafts
from backoffice.wording import said
from payments.money import LONGEST_TYPED, currency_codes, exponent
from payments.refusals import UnknownCurrency
from payments.requests import DESCRIPTION_LENGTH, ID_LENGTH

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Words = StrOrPromise
else:
    Words = str


class TypedForm(forms.Form):
    """A form on what was typed."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            drafts.fill(self)
        for name, field in self.fields.items():
            field.label = field.label or said(pretty_name(name))


def readable(text: str) -> None:
    """Refuse text that did not arrive whole: a broken character was replaced on the way in."""
    if "\ufffd" in text:
        raise ValidationError(_("Some characters could not be read. Please type them again."))


class TextField(forms.CharField):
    default_validators = [readable]


class ReasonField(TextField):
    """A person's own words for what they do, which stand in the trail."""

    def __init__(self, most: int = DESCRIPTION_LENGTH, **options: Any) -> None:
        told = format_lazy(_("Stands in the trail. At most {most} characters."), most=most)
        super().__init__(max_length=most, help_text=told, **options)


class OneOfField(forms.ChoiceField):
    """One of a list. Any other is refused in words that do not repeat it."""

    default_error_messages = {"invalid_choice": _("Choose one of the list.")}


def choices_of(values: Iterable[str], empty: Words) -> Callable[[], list[tuple[str, str]]]:
    """States or kinds to choose from, worded when they are shown, behind ``empty`` for none."""
    return lambda: [("", str(empty)), *((value, capfirst(said(value))) for value in values)]


class IdField(TextField):
    """An id that somebody types or pastes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=ID_LENGTH, **options)
        self.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}


class CurrencySelect(forms.Widget):
    """Says of each currency how many decimals it has, for a script to show at the amounts."""

    def __init__(self, empty: Words) -> None:
        super().__init__()
        self.empty = empty

    def render(
        self,
        name: str,
        value: Any,
        attrs: Any = None,
        renderer: Any = None,  # noqa: ARG002 - Django's
    ) -> SafeString:
        own = flatatt({"name": name, **self.build_attrs(self.attrs, attrs)})
        chosen = value if value in currency_codes() else ""  # what was typed is not remembered
        return format_html("<select{}>{}</select>", own, _options(str(self.empty), chosen))


@lru_cache
def _options(empty: str, chosen: str) -> SafeString:
    """Made once: a template for each of so many options took a fifth of a list's time."""
    marks = {"": "", **{code: f' data-decimals="{exponent(code)}"' for code in currency_codes()}}
    rows = (
        (code, " selected" if code == chosen else "", SafeString(mark), code or empty)
        for code, mark in marks.items()
    )
    return format_html_join("\n", '<option value="{}"{}{}>{}</option>', rows)


class CurrencyField(forms.Field):
    """A currency by its code; ``empty`` are the words for none."""

    def __init__(self, empty: Words = "", **options: Any) -> None:
        options.setdefault("help_text", _("Its code of three letters; it says how many decimals."))
        super().__init__(widget=CurrencySelect(empty or _("Choose")), **options)

    def to_python(self, value: str | None) -> str:
        return value or ""

    def validate(self, value: str) -> None:
        """Refuse what is not a currency by the refusal that the rules have for it."""
        super().validate(value)
        try:
            if value:
                exponent(value)
        except UnknownCurrency as refusal:
            raise ValidationError(said(refusal)) from refusal


class AmountInput(forms.TextInput):
    """With its currency beside it; a script keeps to the one that the form has chosen."""

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        currency = self.attrs.get("data-currency", "")
        unit = format_html('<span class="unit" data-unit>{}</span>', currency)
        return super().render(*args, **kwargs) + unit


class AmountField(TextField):
    """An amount as text: what it is worth depends on the currency, so the form reads it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_TYPED, strip=False, widget=AmountInput, **options)
        self.widget.attrs |= {"autocomplete": "off", "inputmode": "decimal"}


_EARLIEST = MinValueValidator(date(2000, 1, 1), _("Enter a day from 2000 on."))


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DayField(forms.DateField):
    """A UTC day, as ``2026-01-31``."""

    def __init__(self, label: Words, **options: Any) -> None:
        options.setdefault("help_text", _("A day such as 2026-01-31, itself included."))
        super().__init__(
            label=label,
            required=False,
            widget=DayInput(),
            input_formats=["%Y-%m-%d"],
            validators=[_EARLIEST],
            error_messages={"invalid": _("Enter a day such as 2026-01-31.")},
            **options,
        )
