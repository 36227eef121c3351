"""What the words on the pages mean, and how somebody begins."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from backoffice import glossary
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.site import page


@requires(Permission.USE_DASHBOARD)
def terms(request: StaffRequest) -> HttpResponse:
    chapters = glossary.chapters(request.user.get_all_permissions())
    context = {"title": _("Help"), "chapters": chapters}
    return page(request, "backoffice/help/terms.html", context)


@requires(Permission.USE_DASHBOARD)
def first_steps(request: StaffRequest) -> HttpResponse:
    """What each of the person's own roles may do, and where it begins."""
    context = {"title": _("First steps"), "guides": glossary.guides(request.user.roles)}
    return page(request, "backoffice/help/first_steps.html", context)
