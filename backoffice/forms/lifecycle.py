"""What a supervisor enters to freeze, unlock, edit or close an account."""

import hashlib
from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator

from audit.context import Actor
from backoffice.forms.fields import AmountField, IdField, TextField
from backoffice.forms.ids import OnceForm
from backoffice.presenters.values import money, typed
from payments import lifecycle, queries
from payments.models import Account, FrozenDirection
from payments.refusals import StaleEdit
from payments.requests import DESCRIPTION_LENGTH

_LATEST = MaxValueValidator(datetime(2200, 1, 1, tzinfo=UTC), "Enter a time before the year 2200.")


class ReasonField(TextField):
    """A person's own words for what they do, which stand in the trail."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_length=DESCRIPTION_LENGTH,
            help_text=f"Stands in the trail. At most {DESCRIPTION_LENGTH} characters.",
            **options,
        )


class AccountForm(OnceForm):
    """One thing that can be done with an account: its words, its fields, its service.

    ``about`` says what it does, ``done`` what has been done. Fields come before the reason.
    """

    subject = "account"
    id_field = "request_id"
    title: ClassVar[str]
    about: ClassVar[str]
    done: ClassVar[str]

    reason = ReasonField()

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.order_fields([name for name in self.fields if name != "reason"])

    def save(self, *, actor: Actor, at: datetime) -> None:
        """Do it, with a form that is valid; raises the service's refusals."""
        raise NotImplementedError

    @property
    def reasoned(self) -> dict[str, Any]:
        """What every service takes; the request's name holds for what was entered with it."""
        entered = f"{self.request_id} {sorted(self.cleaned_data.items())!r}"
        return {
            "account_id": self.account.id,
            "reason": self.cleaned_data["reason"],
            "request_id": hashlib.sha256(entered.encode()).hexdigest(),
        }


class FreezeForm(AccountForm):
    title = "Freeze the account"
    about = "Nothing that is frozen moves, by any way, until the end or until it is unfrozen."
    done = "The account is frozen."

    direction = forms.ChoiceField(
        label="What is frozen",
        choices=[
            (FrozenDirection.BOTH.value, "Debits and credits"),
            (FrozenDirection.DEBITS.value, "Debits: nothing leaves"),
            (FrozenDirection.CREDITS.value, "Credits: nothing arrives"),
        ],
        error_messages={"invalid_choice": "Choose one of the list."},
    )
    until = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        validators=[_LATEST],
        error_messages={"invalid": "Enter a day and a time, such as 2026-01-31 18:00."},
        help_text="In your time zone. Leave it empty for a freeze without an end.",
    )

    def save(self, *, actor: Actor, at: datetime) -> None:
        lifecycle.freeze_account(
            direction=FrozenDirection(self.cleaned_data["direction"]),
            until=self.cleaned_data["until"],
            actor=actor,
            at=at,
            **self.reasoned,
        )


class UnfreezeForm(AccountForm):
    title = "Unfreeze the account"
    about = "Money may leave and arrive again at once."
    done = "The account is active again."

    def save(self, *, actor: Actor, at: datetime) -> None:
        lifecycle.unfreeze_account(actor=actor, at=at, **self.reasoned)


class UnlockForm(AccountForm):
    title = "Unlock debits"
    about = "Ends the lock that failed debits have set. Their count begins anew."
    done = "Debits of the account are unlocked."

    def save(self, *, actor: Actor, at: datetime) -> None:
        lifecycle.unlock_debits(actor=actor, at=at, **self.reasoned)


class CloseForm(AccountForm):
    id_field = "payment_id"
    title = "Close the account"
    about = "A closed account stays closed. It closes empty, or with its rest moved in one step."
    done = "The account is closed."

    rest_to = IdField(
        label="Rest to",
        required=False,
        help_text="Number or id of the account that what is left goes to, if anything is.",
    )

    def save(self, *, actor: Actor, at: datetime) -> None:
        lifecycle.close_account(
            rest_to=self.cleaned_data["rest_to"],
            payment_id=self.request_id,
            actor=actor,
            at=at,
            **self.reasoned,
        )


class EditForm(AccountForm):
    """``seen_version`` is the version of the details that the person has before them."""

    title = "Edit the account"
    about = (
        "Whose account it is, and what it may pay at a time and in a UTC day; an empty field "
        "means no limit. What was paid so far stays with the owner until now."
    )
    done = "The account is saved."

    customer_id = IdField(label="Owner", help_text="The customer's id, as other systems know it.")
    transfer_limit = AmountField(label="Limit at a time", required=False)
    day_limit = AmountField(label="Limit in a day", required=False)
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        limits = {name: _typed(getattr(account, name), account) for name in lifecycle.LIMITS}
        seen = {"customer_id": account.customer_id, "seen_version": account.details_version}
        kwargs["initial"] = {**limits, **seen, **kwargs.get("initial", {})}
        super().__init__(*args, account=account, **kwargs)
        self.show_in(account.currency, *lifecycle.LIMITS)
        self.compared: list[tuple[str, ...]] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in lifecycle.LIMITS:
            amount_minor = self.read_amount(name, self.account.currency)
            cleaned[name] = amount_minor if cleaned.get(name) else None
        return cleaned

    def save(self, *, actor: Actor, at: datetime) -> None:
        """As any; where it has been edited meanwhile, ``compared`` shows both versions."""
        try:
            lifecycle.edit_account(
                values={name: self.cleaned_data[name] for name in lifecycle.EDITABLE},
                seen_version=self.cleaned_data["seen_version"],
                actor=actor,
                at=at,
                **self.reasoned,
            )
        except StaleEdit:
            self._compare(queries.get_account(self.account.id) or self.account)
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
    return "" if limit is None else typed(limit, account.currency)


def _in_words(value: str | int | None, currency: str) -> str:
    return value if isinstance(value, str) else money(value, currency) or "no limit"
