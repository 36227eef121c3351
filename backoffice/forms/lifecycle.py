"""What a supervisor enters to freeze, unlock, limit or close an account."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator

from audit.context import Actor
from backoffice.forms.fields import AmountField, IdField, TextField
from backoffice.forms.ids import OnceForm
from backoffice.presenters.values import money
from payments import lifecycle, queries
from payments.models import Account, FrozenDirection
from payments.money import format_number
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
        return {"account_id": self.account.id, "reason": self.cleaned_data["reason"]}


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


class LimitsForm(AccountForm):
    """``seen_version`` is the version of the limits that the person has before them."""

    title = "Limits of the account"
    about = "What the account may pay at a time and in a UTC day. An empty field means no limit."
    done = "The limits are set."

    transfer_limit = AmountField(label="At a time", required=False)
    day_limit = AmountField(label="In a day", required=False)
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        stored = {name: _typed(getattr(account, name), account) for name in lifecycle.LIMITS}
        now = {**stored, "seen_version": account.limits_version}
        kwargs["initial"] = {**now, **kwargs.get("initial", {})}
        super().__init__(*args, account=account, **kwargs)
        self.compared: list[tuple[str, ...]] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in lifecycle.LIMITS:
            amount_minor = self.read_amount(name, self.account.currency)
            cleaned[name] = amount_minor if cleaned.get(name) else None
        return cleaned

    def save(self, *, actor: Actor, at: datetime) -> None:
        """As any; where they have been changed meanwhile, ``compared`` shows both versions."""
        try:
            lifecycle.set_limits(
                limits={name: self.cleaned_data[name] for name in lifecycle.LIMITS},
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
        self._set("seen_version", str(stored.limits_version))
        for name in lifecycle.LIMITS:
            shown = [
                money(limit, stored.currency) or "no limit"
                for limit in (getattr(stored, name), self.cleaned_data[name])
            ]
            self.compared.append((str(self[name].label), *shown))


def _typed(limit: int | None, account: Account) -> str:
    """A limit as somebody would type it."""
    return "" if limit is None else format_number(limit, account.currency)
