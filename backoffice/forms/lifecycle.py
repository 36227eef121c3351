"""What a supervisor enters to freeze, unlock, edit or close an account."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.context import Actor
from backoffice.forms.fields import AmountField, IdField, ReasonField
from backoffice.forms.ids import DeedForm, OnceForm
from backoffice.numbers import fillable
from backoffice.presenters.values import money, typed
from payments import lifecycle, queries
from payments.models import Account, FrozenDirection
from payments.refusals import StaleEdit

_LATEST = MaxValueValidator(
    datetime(2200, 1, 1, tzinfo=UTC), _("Enter a time before the year 2200.")
)

DIRECTIONS = [
    (FrozenDirection.BOTH.value, _("Debits and credits")),
    (FrozenDirection.DEBITS.value, _("Debits: nothing leaves")),
    (FrozenDirection.CREDITS.value, _("Credits: nothing arrives")),
]


class AccountForm(OnceForm, DeedForm):
    """One thing that can be done with an account."""

    subject = "account"
    id_field = "request_id"
    is_final = True
    record: Account

    reason = ReasonField()

    @property
    def named(self) -> dict[str, Any]:
        """The account, and a name of the request that holds for what was entered with it."""
        entered = f"{self.request_id} {sorted(self.cleaned_data.items())!r}"
        request_id = hashlib.sha256(entered.encode()).hexdigest()
        return {"account_id": self.record.id, "request_id": request_id}


class FreezeForm(AccountForm):
    direction = forms.TypedChoiceField(
        coerce=FrozenDirection,
        label=_("What is frozen"),
        choices=DIRECTIONS,
        error_messages={"invalid_choice": _("Choose one of the list.")},
        help_text=_("The other direction goes on as before."),
    )
    until = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        validators=[_LATEST],
        error_messages={"invalid": _("Enter a day and a time, such as 2026-01-31 18:00.")},
        help_text=_("In your time zone. Leave it empty for a freeze without an end."),
    )

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and until <= self._at:
            raise ValidationError(_("The end of a freeze must lie ahead."))
        return until


class CloseForm(AccountForm):
    id_field = "payment_id"

    rest_to = IdField(
        label=_("Rest to"),
        required=False,
        help_text=_("Number or id of the account that what is left goes to, if anything is."),
    )

    @property
    def named(self) -> dict[str, Any]:
        return {"payment_id": self.request_id, **super().named}


class EditForm(AccountForm):
    """``seen_version`` is the version of the details that the person has before them."""

    customer_id = IdField(
        label=_("Owner"), help_text=_("The customer's id, as other systems know it.")
    )
    transfer_limit = AmountField(
        label=_("Limit at a time"), required=False, help_text=_("The most of one payment.")
    )
    day_limit = AmountField(
        label=_("Limit in a day"), required=False, help_text=_("The most of one UTC day.")
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, record: Account, **kwargs: Any) -> None:
        limits = {name: _typed(getattr(record, name), record) for name in lifecycle.LIMITS}
        seen = {"customer_id": record.customer_id, "seen_version": record.details_version}
        kwargs["initial"] = {**limits, **seen, **kwargs.get("initial", {})}
        super().__init__(*args, record=record, **kwargs)
        self.show_in(record.currency, *lifecycle.LIMITS)
        self.compared: list[tuple[str, ...]] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in lifecycle.LIMITS:
            amount_minor = self.read_amount(name, self.record.currency)
            cleaned[name] = amount_minor if cleaned.get(name) else None
        return cleaned

    @property
    def asked(self) -> dict[str, Any]:
        entered = super().asked
        return {"values": {name: entered.pop(name) for name in lifecycle.EDITABLE}, **entered}

    def save(self, *, actor: Actor, at: datetime) -> None:
        """As any; where it has been edited meanwhile, ``compared`` shows both versions."""
        try:
            super().save(actor=actor, at=at)
        except StaleEdit:
            self._compare(queries.get_account(self.record.id) or self.record)
            raise

    def _compare(self, stored: Account) -> None:
        """Put both versions side by side; to save again then means to have seen them."""
        self._set("seen_version", str(stored.details_version))
        for name in lifecycle.EDITABLE:
            values = getattr(stored, name), self.cleaned_data[name]
            shown = [_in_words(value, stored.currency) for value in values]
            self.compared.append((str(self[name].label), *shown))


def _typed(limit: int | None, account: Account) -> str:
    """A limit as somebody would type it."""
    return "" if limit is None else fillable(typed(limit, account.currency))


def _in_words(value: str | int | None, currency: str) -> str:
    return value if isinstance(value, str) else money(value, currency) or gettext("no limit")
