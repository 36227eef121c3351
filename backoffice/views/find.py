"""One box for everything; the palette shows what this page holds."""

from django.contrib.admin import site
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from backoffice import finding
from backoffice.forms.finding import FindForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.site import page


@requires(Permission.USE_DASHBOARD, searching="record")
def find(request: StaffRequest) -> HttpResponseBase:
    """Land on the one place that a text leads to, or list them; those to ``stay`` see the list."""
    form, person = FindForm(request.GET), request.user
    text = form.cleaned_data["q"] if form.is_valid() else ""
    records = finding.records(text, person=person) if text else []
    navigation = [] if form.errors else site.get_app_list(request)
    places = finding.places(text, person=person, navigation=navigation)
    landing = records or places
    if text and len(landing) == 1 and "stay" not in request.GET:
        return redirect(landing[0].url)
    context = {
        "title": _("Find anything"),
        "form": form,
        "text": text,
        "records": records,
        "places": places,
        "recent": finding.recent(person=person) if not request.GET else [],
    }
    return page(request, "backoffice/find.html", context)
