"""The first page."""

from django.http import HttpResponse

from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.site import page


@requires(Permission.USE_DASHBOARD)
def dashboard(request: StaffRequest) -> HttpResponse:
    return page(request, "admin/index.html", {"title": "Dashboard"})
