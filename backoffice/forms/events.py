"""The filter of events, and what is confirmed to send some again."""

from collections.abc import Sequence
from typing import cast

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import OneOfField, TypedForm
from backoffice.forms.ids import ActionForm
from payments.events.receivers import Receiver
from payments.events.records import DeliveryState

_STATES = {
    DeliveryState.DEAD: _("Dead: not tried any more"),
    DeliveryState.WAITING: _("Waiting to be tried again"),
    DeliveryState.SENT: _("Sent"),
}


class EventFilter(TypedForm):
    """Stands on the first receiver, and on what is dead."""

    receiver = OneOfField(label=_("Receiver"), help_text=_("Whose events are listed."))
    state = OneOfField(
        label=_("State"),
        choices=list(_STATES.items()),
        help_text=_("What has become of them so far."),
    )

    def __init__(self, asked: QueryDict, known: Sequence[Receiver]) -> None:
        data = asked.copy()
        for name, first in (("receiver", known[0].name), ("state", DeliveryState.DEAD.value)):
            data[name] = data.get(name) or first
        super().__init__(data)
        receivers = cast("OneOfField", self.fields["receiver"])
        receivers.choices = [(each.name, each.name) for each in known]


class SendAgainForm(ActionForm):
    subject = "event"
