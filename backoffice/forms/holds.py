"""What is entered to set a hold, and to ask for its release."""

from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import IdField, OneOfField
from backoffice.forms.ids import ActionForm
from backoffice.forms.lifecycle import ReasonField


class HoldForm(ActionForm):
    subject = "hold"

    kind = OneOfField(
        label=_("What is held"),
        choices=[
            ("account", _("An account")),
            ("customer", _("A customer")),
            ("case", _("A case")),
        ],
        help_text=_("A customer's hold covers all their accounts and payments."),
    )
    held_id = IdField(
        label=_("Its id"), help_text=_("An account by id or number, a customer, a case.")
    )
    reason = ReasonField()


class AskReleaseForm(ActionForm):
    """The reason to release; another reviewer then confirms without typing anything."""

    subject = "hold"

    reason = ReasonField(label=_("Why it may be released"))


class ReleaseForm(ActionForm):
    subject = "hold"
