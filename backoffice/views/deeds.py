"""One thing done with a record: the page of its form, its confirmation, and back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.forms import MultipleChoiceField
from django.http import HttpResponse, QueryDict

from backoffice.forms.ids import DeedForm, OnceForm
from backoffice.permissions import StaffRequest
from backoffice.views.confirm import Asking, Crumbs, Facts, confirmation, entered, is_confirmed
from backoffice.views.once import answer_form, form_page
from dynamodb.times import utc_now


@dataclass(frozen=True, kw_only=True)
class Deeds:
    """What the pages of all deeds with one kind of record have in common.

    ``form`` serves for a deed that has no fields of its own. ``shown`` is what the template tells
    of the record, ``facts`` what the confirmation does. ``finish`` answers once a form is saved,
    given what that gave. Forms that are ``prefilled`` take what stands in the address.
    """

    form: type[DeedForm]
    template: str
    find: Callable[[str], Any]
    crumbs: Callable[[Any], Crumbs]
    shown: Callable[[Any], dict[str, Any]]
    facts: Callable[[Any], Facts]
    finish: Callable[[StaffRequest, Any, Any], HttpResponse]
    prefilled: bool = False

    def page_of(
        self, deed: str, service: Callable[..., Any], form: type[DeedForm] | None = None
    ) -> Callable[..., HttpResponse]:
        """The view of one deed, which a ``service`` does; the address names its record."""
        kind = form or self.form

        def view(request: StaffRequest, **named: str) -> HttpResponse:
            [name] = named.values()
            options = {"record": self.find(name), "deed": deed, "service": service}
            if issubclass(kind, OnceForm):
                options |= {"username": request.user.username, "at": utc_now()}
            if request.method == "POST":
                options["initial"] = _as_posted(kind, request.POST)
            elif self.prefilled:
                options["initial"] = request.GET.dict()
            new, act = partial(kind, **options), partial(self._act, request)
            return answer_form(request, new, act, partial(self._form_page, request))

        return view

    def _act(self, request: StaffRequest, form: DeedForm) -> HttpResponse:
        if form.is_final and not is_confirmed(request):
            asking = Asking(
                title=f"{form.title}?",
                button=form.title,
                crumbs=self.crumbs(form.record),
                facts=[*self.facts(form.record), *entered(form)],
                notes=[form.warning],
            )
            return confirmation(request, form, asking)
        saved = form.save(actor=request.user.actor, at=utc_now())
        return self.finish(request, form, saved)

    def _form_page(self, request: StaffRequest, form: DeedForm, **more: Any) -> HttpResponse:
        about = {"title": form.title, "about": form.about, "crumbs": self.crumbs(form.record)}
        return form_page(request, self.template, form, **about, **self.shown(form.record), **more)


def _as_posted(kind: type[DeedForm], posted: QueryDict) -> dict[str, Any]:
    fields = kind.base_fields.items()
    many = [name for name, field in fields if isinstance(field, MultipleChoiceField)]
    return posted.dict() | {name: posted.getlist(name) for name in many}
