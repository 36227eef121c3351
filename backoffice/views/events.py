"""What other systems were told, and what they have not taken."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.forms.events import EventFilter, SendAgainForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.events import event_row, receiver_rows, visible_receivers
from backoffice.presenters.lists import asked_page, listed
from backoffice.site import page
from backoffice.views.confirm import Asking, confirmation, is_confirmed
from backoffice.views.once import settle
from dynamodb.times import utc_now
from payments.events import deliveries
from payments.events.records import Delivery, DeliveryState


@requires(Permission.MANAGE_EVENTS, searching="event")
def listing(request: StaffRequest) -> HttpResponse:
    known, template = visible_receivers(request.user), "backoffice/events/list.html"
    context: dict[str, Any] = {"title": _("Events")}
    context["receivers"] = receiver_rows(known, at=utc_now())
    if not known:
        return page(request, template, context)
    context["form"] = form = EventFilter(request.GET, known)
    if form.is_valid():
        found = deliveries.list_deliveries(**asked_page(request), **form.cleaned_data)
        [receiver] = [each for each in known if each.name == form.cleaned_data["receiver"]]
        context |= listed(request, found, partial(event_row, receiver=receiver))
    return page(request, template, context)


@requires(Permission.MANAGE_EVENTS, viewing="event")
def send_again(request: StaffRequest, line: str) -> HttpResponse:
    """Confirm that the dead events of a record are tried again. ``line`` is receiver:record."""
    name, _colon, entity_id = line.partition(":")
    kept = _found(request, name, entity_id)
    dead = [each for each in kept if each.state == DeliveryState.DEAD]
    ask = partial(_ask, request, kept, dead)
    if not is_confirmed(request):
        return redirect("admin:events") if "edit" in request.POST else ask(SendAgainForm())

    def act(_form: SendAgainForm) -> HttpResponse:
        deliveries.send_again(
            receiver=name, entity_id=entity_id, actor=request.user.actor, at=utc_now()
        )
        messages.success(request, _("They are tried again now, in their order."))
        return redirect("admin:events")

    return settle(request, SendAgainForm(request.POST), act, ask)


def _ask(
    request: StaffRequest,
    kept: list[Delivery],
    dead: list[Delivery],
    form: SendAgainForm,
    *,
    status: int = HTTPStatus.OK,
    **_more: Any,
) -> HttpResponse:
    told = ", ".join(each.type for each in dead) or _("none that is dead")
    asking = Asking(
        title=_("Send these events again?"),
        button=_("Send again"),
        crumbs=[(_("Events"), reverse("admin:events"))],
        facts=[(_("To"), kept[0].receiver), (_("About"), kept[0].entity_id), (_("Events"), told)],
        notes=[
            _("The receiver may have taken some of them: it knows them by their ids."),
            *map(str, form.non_field_errors()),
        ],
    )
    answer = confirmation(request, form, asking)
    answer.status_code = status
    return answer


def _found(request: StaffRequest, name: str, entity_id: str) -> list[Delivery]:
    is_visible = name in [each.name for each in visible_receivers(request.user)]
    kept = deliveries.of_record(name, entity_id) if is_visible else []
    if not kept:
        raise Http404(_("There is no such event."))
    return kept
