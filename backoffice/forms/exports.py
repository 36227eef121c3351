"""What an evidence pack shall hold."""

from copy import deepcopy
from typing import Any

from django.forms.utils import pretty_name
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from backoffice.forms.audit import TrailFilterForm
from backoffice.forms.fields import IdField, OneOfField
from backoffice.forms.ids import OnceForm
from backoffice.forms.periods import DaysForm
from backoffice.jobs.scopes import SCOPES, SEARCH
from backoffice.wording import said
from payments.queries import get_account

_SEARCHED = ("entity_id", "action", "user_id", "outcome")
_ABOUT = {
    "account": _("Everything about one account"),
    "customer": _("Everything about one customer"),
    "case": _("Everything about one case"),
}
_UNSAID = {
    "account": _("Say which account."),
    "customer": _("Say which customer."),
    "case": _("Say which case."),
}


class ExportForm(DaysForm, OnceForm):
    """A search of the trail, or everything about one account, customer or case."""

    subject = "export"
    id_field = "request_id"

    scope = OneOfField(
        label=_("What"),
        choices=[
            (SEARCH, _("All entries that a search finds")),
            *((name, _ABOUT[name]) for name in SCOPES),
        ],
        help_text=_("A search takes what stands below; all about one thing takes its id."),
    )
    about = IdField(
        label=_("Which one"),
        required=False,
        help_text=_("The account's id or number, or the id of the customer or case."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        searching = deepcopy(TrailFilterForm.base_fields)
        self.fields |= {name: searching[name] for name in _SEARCHED}
        self.fields["entity_id"].help_text = _("This and what follows narrows a search.")
        for name, field in self.fields.items():
            field.widget.attrs.pop("size", None)
            field.label = field.label or said(pretty_name(name))

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if found.get("scope") == SEARCH:
            self._check_search()
        elif found.get("scope"):
            self._check_about(found)
        return found

    def parameters(self) -> dict[str, str]:
        """What was asked for, of a form that is valid."""
        found = dict(self.cleaned_data)
        days = {"first_day": found.pop("from"), "last_day": found.pop("to")}
        given = {name: day.isoformat() for name, day in days.items() if day}
        names = ("scope", *_SEARCHED) if found["scope"] == SEARCH else ("scope", "about")
        return given | {name: found[name] for name in names if found[name]}

    def _check_search(self) -> None:
        """By the rules of the trail's own form, which fills in the ends of a period."""
        asked = QueryDict(mutable=True)
        asked.update({name: self.data.get(name, "") for name in (*_SEARCHED, "from", "to")})
        search = TrailFilterForm(asked, today=self._at.date())
        for name, errors in search.errors.items():
            if name not in self.errors:
                self.add_error(name, list(errors))
        if search.is_valid():
            self.cleaned_data |= {name: search.cleaned_data[name] for name in ("from", "to")}

    def _check_about(self, found: dict[str, Any]) -> None:
        about = found.get("about")
        if not about:
            if "about" not in self.errors:
                self.add_error("about", _UNSAID[found["scope"]])
        elif found["scope"] == "account" and get_account(about) is None:
            self.add_error("about", _("There is no such account."))
