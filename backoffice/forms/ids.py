"""Hidden ids: they name a request before it is sent, so sending it twice does it once.

The server makes and signs them, for one person and one kind of request, good for a day.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import QueryDict
from django.utils.translation import gettext, override

from audit.context import Actor
from backoffice import numbers
from backoffice.forms.fields import TypedForm
from backoffice.presenters.values import typed
from backoffice.wording import said, table
from payments.identifiers import new_payment_id
from payments.money import parse_amount
from payments.refusals import InvalidField, MissingField, Refusal

_DEEDS = table("deeds")

HOLDS_FOR = timedelta(hours=24)

_STALE = (
    "This form was opened more than 24 hours ago, so it was not carried out just now. "
    "Check that it has not been done in the meantime, then send it again."
)
_NOT_OURS = (
    "This form was not made for you by this site, or was changed on its way, so it was not "
    "carried out. Check what you entered, then send it again."
)


class ActionForm(TypedForm):
    """A form that asks for something to be done; ``subject`` says for what."""

    subject: ClassVar[str]
    request_id = ""

    def read_amount(self, name: str, currency: str = "") -> int:
        """A typed amount in minor units of the form's currency; 0 where it has an error."""
        text = self.cleaned_data.get(name)
        currency = currency or self.cleaned_data.get("currency", "")
        if not text or not currency:
            return 0
        try:
            return parse_amount(numbers.plain(text), currency)
        except Refusal as refusal:
            self._add_refusal(name, refusal)
            return 0

    def show_in(self, currency: str, *names: str) -> None:
        """Show amounts in the one currency they can be in, with the decimals that it has."""
        for name in names:
            shown = {"data-currency": currency, "placeholder": numbers.shown(typed(0, currency))}
            self.fields[name].widget.attrs |= shown

    def refuse(self, field: str, sentence: str) -> None:
        """Put a sentence next to its field, or above all where the form shows no such field."""
        is_visible = field in self.fields and not self.fields[field].widget.is_hidden
        self.add_error(field if is_visible else None, said(sentence))

    def refusal(self) -> Refusal:
        """The first error as a refusal for the trail, which keeps nothing that was typed."""
        field, errors = next(iter(self.errors.as_data().items()))
        error = errors[0]
        if isinstance(error.__cause__, Refusal):
            return error.__cause__
        if error.code == "required":
            return MissingField(field)
        if error.params and "value" in error.params:
            error = ValidationError(error.message, params={**error.params, "value": "\u2026"})
        with override("en"):
            return InvalidField(field, " ".join(error.messages))

    def renew_id(self) -> None:
        """Name the next request, where requests have names."""

    def _add_refusal(self, field: str | None, refusal: Refusal) -> None:
        error = ValidationError(said(refusal))
        error.__cause__ = refusal
        self.add_error(field, error)

    def _set(self, name: str, value: str) -> None:
        """Put another value in place of the one that was sent."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data[name] = value
        self.data = data


class DeedForm(ActionForm):
    """One thing done with a record by a ``service``: its fields, its words in deeds.toml.

    ``about`` says what it does, ``done`` what has been done. One that is ``final`` asks once more,
    with its ``warning`` or what it is about. Fields come before the reason.
    """

    is_final: ClassVar[bool] = False

    def __init__(
        self, *args: Any, record: Any, deed: str, service: Callable[..., Any], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.record, self.service = record, service
        told = {name: gettext(text) for name, text in _DEEDS[deed].items()}
        self.title, self.about, self.done = told["title"], told["about"], told["done"]
        self.warning = told.get("warning", self.about)
        self.order_fields([name for name in self.fields if name != "reason"])

    @property
    def named(self) -> dict[str, Any]:
        """What the service calls the record."""
        raise NotImplementedError

    @property
    def asked(self) -> dict[str, Any]:
        """What the service is given besides: what was entered, by the names of its fields."""
        return dict(self.cleaned_data)

    def save(self, *, actor: Actor, at: datetime) -> Any:
        """Do it, with a form that is valid; raises the service's refusals."""
        return self.service(actor=actor, at=at, **self.named, **self.asked)


class OnceForm(ActionForm):
    """A form whose request has a name of its own, in the hidden field ``id_field``.

    Once it is valid, ``request_id`` is what was signed.
    """

    id_field: ClassVar[str]

    def __init__(self, *args: Any, username: str, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at = at
        self._signer = TimestampSigner(salt=f"{__name__}:{self.subject}:{username}")
        self.fields[self.id_field] = forms.Field(widget=forms.HiddenInput, required=False)
        if not self._is_ours(self.initial.get(self.id_field, "")):
            self.initial[self.id_field] = self._new_id()

    def clean(self) -> dict[str, Any]:
        signed = self.cleaned_data.get(self.id_field) or ""
        try:
            self.request_id = self._signer.unsign(signed, max_age=HOLDS_FOR)
        except SignatureExpired:
            self._add_refusal(None, InvalidField(self.id_field, _STALE))
        except BadSignature:
            self._add_refusal(None, InvalidField(self.id_field, _NOT_OURS))
        return self.cleaned_data

    @property
    def asked(self) -> dict[str, Any]:
        """What was entered: a name by which ``request_id`` goes is for ``named`` to give."""
        return {name: each for name, each in self.cleaned_data.items() if name != self.id_field}

    def renew_id(self) -> None:
        """Name the next request: a refusal on record has used up the name of this one."""
        self._set(self.id_field, self._new_id())

    def _is_ours(self, signed: str) -> bool:
        """Whether an id was made here, and not by whoever wrote an address."""
        try:
            self._signer.unsign(signed)
        except BadSignature:
            return False
        return True

    def _new_id(self) -> str:
        return self._signer.sign(new_payment_id(self._at))
