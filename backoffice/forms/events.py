"""The filter of events, and what is confirmed to send some again."""

from collections.abc import Sequence

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import TypedForm
from backoffice.forms.ids import ActionForm
from payments.event_records import DeliveryState
from payments.receivers import Receiver

_WRONG_CHOICE = {"invalid_choice": _("Choose one of the list.")}
_WHOSE = _("Whose events are listed.")
_STATES = {
    DeliveryState.DEAD: _("Dead: not tried any more"),
    DeliveryState.WAITING: _("Waiting to be tried again"),
    DeliveryState.SENT: _("Sent"),
}


class EventFilter(TypedForm):
    """Stands on the first receiver, and on what is dead."""

    receiver = forms.ChoiceField(
        label=_("Receiver"), error_messages=_WRONG_CHOICE, help_text=_WHOSE
    )
    state = forms.ChoiceField(
        label=_("State"),
        choices=list(_STATES.items()),
        error_messages=_WRONG_CHOICE,
        help_text=_("What has become of them so far."),
    )

    def __init__(self, asked: QueryDict, known: Sequence[Receiver]) -> None:
        data = asked.copy()
        for name, first in (("receiver", known[0].name), ("state", DeliveryState.DEAD.value)):
            data[name] = data.get(name) or first
        super().__init__(data)
        choices = [(each.name, each.name) for each in known]
        self.fields["receiver"] = forms.ChoiceField(
            label=_("Receiver"), choices=choices, error_messages=_WRONG_CHOICE, help_text=_WHOSE
        )


class SendAgainForm(ActionForm):
    subject = "event"
