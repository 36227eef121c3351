"""One thing done with a record: the page of its form, its confirmation, and back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.forms import MultipleChoiceField
from django.http import HttpResponse, QueryDict

from backoffice.forms.ids import DeedForm, OnceForm
from backoffice.permissions import StaffRequest
from backoffice.views.confirm import (
    Asking,
    Crumbs,
    Facts,
    confirmation,
    entered,
    is_confirmed,
)
from backoffice.views.once import form_page, settle
from dynamodb.times import utc_now


@dataclass(frozen=True, kw_only=True)
class Deeds:
    """What the pages of all deeds with one kind of record have in common.

    ``shown`` is what the template tells of the record, ``facts`` what the confirmation does.
    ``finish`` answers once a form is saved, given what that gave. Forms that are ``prefilled``
    take what stands in the address.
    """

    template: str
    find: Callable[[str], Any]
    crumbs: Callable[[Any], Crumbs]
    shown: Callable[[Any], dict[str, Any]]
    facts: Callable[[Any], Facts]
    finish: Callable[[StaffRequest, Any, Any], HttpResponse]
    prefilled: bool = False

    def page_of(self, kind: type[DeedForm]) -> Callable[..., HttpResponse]:
        """The view of one deed; the address names its record."""

        def view(request: StaffRequest, **named: str) -> HttpResponse:
            [name] = named.values()
            options: dict[str, Any] = {"record": self.find(name)}
            if issubclass(kind, OnceForm):
                options |= {"username": request.user.username, "at": utc_now()}
            new, show = partial(kind, **options), partial(self._form_page, request)
            if request.method != "POST":
                return show(new(initial=request.GET.dict() if self.prefilled else {}))
            if "edit" in request.POST:
                return show(new(initial=_as_posted(kind, request.POST)))
            return settle(request, new(request.POST), partial(self._act, request), show)

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
