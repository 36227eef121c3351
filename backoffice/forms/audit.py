"""Filters of the trail."""

from datetime import date, timedelta
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from audit.models import EntryOutcome
from audit.queries import TrailFilter
from backoffice.forms.fields import OneOfField, TextField, Words, choices_of
from backoffice.forms.periods import DaysForm, dated

TEXT_LENGTH = 200
MOST_DAYS = 366
"""How long a period may be that is walked day by day."""


class SearchField(TextField):
    def __init__(self, label: Words | None = None, *, size: int, **options: Any) -> None:
        super().__init__(label=label, max_length=TEXT_LENGTH, required=False, **options)
        self.widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "size": size}


class TrailFilterForm(DaysForm):
    """What to look for in the trail; where no key leads straight to it, today.

    A period that is walked day by day has its ends filled in, so that it stays the same from page
    to page.
    """

    entity_id = SearchField(
        label=_("Entity"), size=18, help_text=_("An account, a payment, or person:username.")
    )
    action = SearchField(size=14, help_text=_("What was done, such as account.debited."))
    user_id = SearchField(label=_("Person"), size=12, help_text=_("A username, whoever it was."))
    outcome = OneOfField(
        choices=choices_of(list(EntryOutcome), _("Any")),
        required=False,
        help_text=_("Whether it was carried out or refused."),
    )

    def __init__(self, asked: QueryDict, *, today: date) -> None:
        self.asked = dated(asked, today)
        super().__init__(self.asked)
        self.today = today

    @property
    def wanted(self) -> TrailFilter:
        found = dict(self.cleaned_data)
        return TrailFilter(first_day=found.pop("from"), last_day=found.pop("to"), **found)

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        keys = {name: found.get(name, "") for name in ("entity_id", "action", "user_id")}
        is_walked = {"from", "to"} <= found.keys() and TrailFilter(**keys).is_walked
        if is_walked:
            self._fill_period(found)
        super().clean()
        if is_walked and "to" in found and (found["to"] - found["from"]).days >= MOST_DAYS:
            self.add_error(
                "from",
                _(
                    "At most {most} days at a time, unless you name an entity or, for all but "
                    "postings, an action or person."
                ).format(most=MOST_DAYS),
            )
        return found

    def _fill_period(self, found: dict[str, Any]) -> None:
        """A first day alone means until today, a last day alone the week that ends with it."""
        first, last = found["from"], found["to"]
        if last is None:
            last = max(first or self.today, self.today)
            first = first or last
        first = first or last - timedelta(days=6)
        found["from"], found["to"] = first, last
        self.asked["from"], self.asked["to"] = first.isoformat(), last.isoformat()
