"""Every address, in one list. A page is a line here, a view with ``@requires`` and a template."""

from django.urls import include, path
from django.views.generic import RedirectView

from backoffice.permissions import public
from backoffice.views import (
    accounts,
    audit,
    health,
    lookup,
    payments,
    person,
    shell,
    transfers,
)

ADMIN = [
    path("", shell.dashboard, name="index"),
    path("login/", person.login, name="login"),
    path("logout/", person.logout, name="logout"),
    path("password_change/", person.password_change, name="password_change"),
    path("password_change/done/", person.password_change_done, name="password_change_done"),
    path("payments/", payments.payment_list, name="payments"),
    path("payments/<str:payment_id>/", payments.payment, name="payment"),
    path("customers/<path:customer_id>/", payments.customer, name="customer"),
    path("merchants/<path:merchant_id>/", payments.merchant, name="merchant"),
    path("audit/", audit.trail, name="audit"),
    path("audit/<path:entity_id>/", audit.chain, name="audit_chain"),
    path("preferences/", person.preferences, name="preferences"),
    path("accounts/", accounts.listing, name="accounts"),
    path("accounts/new/", accounts.new, name="account_new"),
    path("accounts/lookup/", lookup.lookup, name="account_lookup"),
    path("accounts/<str:account_id>/", accounts.detail, name="account"),
    path("transfers/new/", transfers.new, name="transfer_new"),
]

urlpatterns = [
    path("", public(RedirectView.as_view(pattern_name="admin:index"))),
    path("admin/", include((ADMIN, "admin"))),
    path("healthz", health.alive),
    path("readyz", health.ready),
]

handler400 = "backoffice.views.errors.bad_request"
handler403 = "backoffice.views.errors.forbidden"
handler404 = "backoffice.views.errors.not_found"
handler500 = "backoffice.views.errors.server_error"
