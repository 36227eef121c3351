"""Every address, in one list. A page is a line here, a view with ``@requires`` and a template."""

from django.urls import include, path
from django.views.generic import RedirectView

from backoffice.permissions import public
from backoffice.views import (
    accounts,
    approvals,
    audit,
    enrolment,
    health,
    history,
    inbox,
    lifecycle,
    lookup,
    payments,
    person,
    proof,
    requests,
    reviews,
    seals,
    second_factor,
    second_step,
    shell,
    staff,
    staff_actions,
    transfers,
)

ADMIN = [
    path("", shell.dashboard, name="index"),
    path("login/", person.login, name="login"),
    path("login/second-step/", second_step.second_step, name="second_step"),
    path("logout/", person.logout, name="logout"),
    path("password_change/", person.password_change, name="password_change"),
    path("password_change/done/", person.password_change_done, name="password_change_done"),
    path("payments/", payments.payment_list, name="payments"),
    path("payments/<str:payment_id>/", payments.payment, name="payment"),
    path("payments/<str:entity_id>/viewers/", history.viewers, name="payment_viewers"),
    path("payments/<str:payment_id>/cancel/", requests.cancel, name="payment_cancel"),
    path("payments/<str:payment_id>/reverse/", requests.reverse_payment, name="payment_reverse"),
    path("approvals/", inbox.inbox, name="approvals"),
    path("approvals/count/", inbox.count, name="approvals_count"),
    path("approvals/<str:payment_id>/", approvals.approval, name="approval"),
    path("customers/<path:customer_id>/", payments.customer, name="customer"),
    path("merchants/<path:merchant_id>/", payments.merchant, name="merchant"),
    path("audit/", audit.trail, name="audit"),
    path("audit/<path:entity_id>/prove/", seals.prove, name="audit_prove"),
    path("audit/<path:entity_id>/verify/", proof.verify, name="audit_verify"),
    path("audit/<path:entity_id>/", audit.chain, name="audit_chain"),
    path("reviews/", reviews.calendar, name="reviews"),
    path("reviews/<str:day>/", reviews.review, name="review"),
    path("reviews/<str:day>/prepare/", reviews.prepare, name="review_prepare"),
    path("reviews/<str:day>/sign/", reviews.sign, name="review_sign"),
    path("seals/", seals.listing, name="seals"),
    path("preferences/", person.preferences, name="preferences"),
    path("second-factor/", second_factor.overview, name="second_factor"),
    path("second-factor/app/", enrolment.app, name="second_factor_app"),
    path("second-factor/passkey/", enrolment.passkey, name="second_factor_passkey"),
    path("second-factor/recovery/", second_factor.recovery, name="second_factor_recovery"),
    path("second-factor/<str:factor>/remove/", second_factor.remove, name="second_factor_remove"),
    path("accounts/", accounts.listing, name="accounts"),
    path("accounts/new/", accounts.new, name="account_new"),
    path("accounts/lookup/", lookup.lookup, name="account_lookup"),
    path("accounts/<str:account_id>/", accounts.detail, name="account"),
    path("accounts/<str:account_id>/timeline/", history.timeline, name="account_timeline"),
    path("accounts/<str:entity_id>/viewers/", history.viewers, name="account_viewers"),
    path("accounts/<str:account_id>/freeze/", lifecycle.freeze, name="account_freeze"),
    path("accounts/<str:account_id>/unfreeze/", lifecycle.unfreeze, name="account_unfreeze"),
    path("accounts/<str:account_id>/unlock/", lifecycle.unlock, name="account_unlock"),
    path("accounts/<str:account_id>/edit/", lifecycle.edit, name="account_edit"),
    path("accounts/<str:account_id>/close/", lifecycle.close, name="account_close"),
    path("staff/", staff.listing, name="staff"),
    path("staff/new/", staff.new, name="staff_new"),
    path("staff/review/", staff.review, name="staff_review"),
    path("staff/review/<str:list_hash>/", staff.signed_list, name="staff_signed_list"),
    path("staff/<str:username>/", staff.person, name="staff_person"),
    path("staff/<str:username>/disable/", staff_actions.disable, name="staff_disable"),
    path("staff/<str:username>/enable/", staff_actions.enable, name="staff_enable"),
    path("staff/<str:username>/roles/", staff_actions.roles, name="staff_roles"),
    path("staff/<str:username>/factor/", staff_actions.factor, name="staff_factor"),
    path("staff/<str:username>/password/", staff_actions.password, name="staff_password"),
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
