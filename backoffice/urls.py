"""Every address, in one table. A page is a line here, a view with ``@requires`` and a template.

A room of views is entered when somebody first asks for one of its pages: all together would take
longer to load than Django.
"""

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponseBase
from django.urls import include, path
from django.utils.module_loading import import_string
from django.views.generic import RedirectView

from backoffice.permissions import public
from backoffice.views import health

ADMIN = [
    ("", "shell.dashboard", "index"),
    ("login/", "person.login", "login"),
    ("login/second-step/", "second_step.second_step", "second_step"),
    ("logout/", "person.logout", "logout"),
    ("password_change/", "person.password_change", "password_change"),
    ("password_change/done/", "person.password_change_done", "password_change_done"),
    ("find/", "find.find", "find"),
    ("help/", "guidance.terms", "help"),
    ("help/first-steps/", "guidance.first_steps", "first_steps"),
    ("views/", "find.save", "views"),
    ("payments/", "payments.payment_list", "payments"),
    ("payments/newer/", "newer.payments", "payments_newer"),
    ("payments/<str:payment_id>/", "payments.payment", "payment"),
    ("payments/<str:entity_id>/viewers/", "audit.viewers", "payment_viewers"),
    ("payments/<str:payment_id>/receipt/", "statements.receipt", "receipt"),
    ("payments/<str:payment_id>/receipt/pdf/", "statements.receipt_pdf", "receipt_pdf"),
    ("payments/<str:payment_id>/holds/", "holds.on_payment", "payment_holds"),
    ("payments/<str:payment_id>/cancel/", "requests.cancel", "payment_cancel"),
    ("payments/<str:payment_id>/reverse/", "requests.reverse_payment", "payment_reverse"),
    ("approvals/", "inbox.inbox", "approvals"),
    ("approvals/count/", "inbox.count", "approvals_count"),
    ("approvals/<str:payment_id>/", "approvals.approval", "approval"),
    ("alerts/", "alerts.queue", "alerts"),
    ("alerts/count/", "alerts.count", "alerts_count"),
    ("alerts/newer/", "newer.alerts", "alerts_newer"),
    ("alerts/overview/", "alerts.overview", "alerts_overview"),
    ("alerts/<str:alert_id>/", "alerts.detail", "alert"),
    ("alerts/<str:name>/assign/", "cases.assign", "alert_assign"),
    ("alerts/<str:name>/note/", "cases.note", "alert_note"),
    ("alerts/<str:name>/escalate/", "cases.escalate", "alert_escalate"),
    ("alerts/<str:name>/resolve/", "cases.resolve", "alert_resolve"),
    ("alerts/<str:name>/case/", "cases.open_case", "alert_case"),
    ("cases/", "cases.listing", "cases"),
    ("cases/<str:case_id>/", "cases.detail", "case"),
    ("cases/<str:name>/note/", "cases.case_note", "case_note"),
    ("cases/<str:name>/add/", "cases.case_add", "case_add"),
    ("cases/<str:name>/close/", "cases.case_close", "case_close"),
    ("events/", "events.listing", "events"),
    ("events/<str:line>/", "events.send_again", "event_again"),
    ("customers/<path:customer_id>/", "payments.customer", "customer"),
    ("merchants/<path:merchant_id>/", "payments.merchant", "merchant"),
    ("audit/", "audit.trail", "audit"),
    ("audit/newer/", "newer.entries", "audit_newer"),
    ("audit/<path:entity_id>/prove/", "seals.prove", "audit_prove"),
    ("audit/<path:entity_id>/verify/", "seals.verify", "audit_verify"),
    ("audit/<path:entity_id>/", "audit.chain", "audit_chain"),
    ("reviews/", "reviews.calendar", "reviews"),
    ("reviews/<str:day>/", "reviews.review", "review"),
    ("reviews/<str:day>/prepare/", "reviews.prepare", "review_prepare"),
    ("reviews/<str:day>/sign/", "reviews.sign", "review_sign"),
    ("seals/", "seals.listing", "seals"),
    ("exports/", "exports.listing", "exports"),
    ("exports/new/", "exports.new", "export_new"),
    ("exports/lists/<str:name>/", "exports.new_list", "export_list"),
    ("exports/<str:job_id>/", "exports.detail", "export"),
    ("exports/<str:job_id>/download/", "exports.download", "export_download"),
    ("jobs/", "jobs.job_list", "jobs"),
    ("jobs/<str:job_id>/", "jobs.detail", "job"),
    ("jobs/<str:job_id>/progress/", "jobs.progress", "job_progress"),
    ("jobs/<str:job_id>/cancel/", "jobs.cancel", "job_cancel"),
    ("jobs/<str:job_id>/retry/", "jobs.retry", "job_retry"),
    ("holds/", "holds.listing", "holds"),
    ("holds/new/", "holds.new", "hold_new"),
    ("holds/<path:subject>/release/", "holds.release", "hold_release"),
    ("sessions/", "sessions.own", "sessions"),
    ("preferences/", "person.preferences", "preferences"),
    ("second-factor/", "second_factor.overview", "second_factor"),
    ("second-factor/app/", "enrolment.app", "second_factor_app"),
    ("second-factor/passkey/", "enrolment.passkey", "second_factor_passkey"),
    ("second-factor/recovery/", "second_factor.recovery", "second_factor_recovery"),
    ("second-factor/<str:factor>/remove/", "second_factor.remove", "second_factor_remove"),
    ("accounts/", "accounts.listing", "accounts"),
    ("accounts/newer/", "newer.accounts", "accounts_newer"),
    ("accounts/new/", "accounts.new", "account_new"),
    ("accounts/lookup/", "find.lookup", "account_lookup"),
    ("accounts/<str:account_id>/", "accounts.detail", "account"),
    ("accounts/<str:account_id>/timeline/", "audit.timeline", "account_timeline"),
    ("accounts/<str:account_id>/statement/", "statements.on_page", "statement"),
    ("accounts/<str:account_id>/statement/pdf/", "statements.as_pdf", "statement_pdf"),
    ("accounts/<str:account_id>/statement/csv/", "statements.as_csv", "statement_csv"),
    ("accounts/<str:account_id>/statement/xml/", "statements.as_camt053", "statement_xml"),
    ("accounts/<str:entity_id>/viewers/", "audit.viewers", "account_viewers"),
    ("accounts/<str:account_id>/freeze/", "accounts.freeze", "account_freeze"),
    ("accounts/<str:account_id>/unfreeze/", "accounts.unfreeze", "account_unfreeze"),
    ("accounts/<str:account_id>/unlock/", "accounts.unlock", "account_unlock"),
    ("accounts/<str:account_id>/edit/", "accounts.edit", "account_edit"),
    ("accounts/<str:account_id>/close/", "accounts.close", "account_close"),
    ("staff/", "staff.listing", "staff"),
    ("staff/new/", "staff.new", "staff_new"),
    ("staff/review/", "staff.review", "staff_review"),
    ("staff/review/<str:list_hash>/", "staff.signed_list", "staff_signed_list"),
    ("staff/<str:username>/", "staff.person", "staff_person"),
    ("staff/<str:username>/disable/", "staff_actions.disable", "staff_disable"),
    ("staff/<str:username>/enable/", "staff_actions.enable", "staff_enable"),
    ("staff/<str:username>/sessions/", "sessions.of_person", "staff_sessions"),
    ("staff/<str:username>/unlock/", "staff_actions.unlock", "staff_unlock"),
    ("staff/<str:username>/roles/", "staff_actions.roles", "staff_roles"),
    ("staff/<str:username>/factor/", "staff_actions.factor", "staff_factor"),
    ("staff/<str:username>/password/", "staff_actions.password", "staff_password"),
    ("bulk/", "bulk.start", "bulk"),
    ("bulk/files/<str:file_hash>/", "bulk.report", "bulk_file"),
    ("bulk/<str:batch_id>/", "batches.batch", "bulk_batch"),
    ("bulk/<str:batch_id>/result.csv", "batches.result", "bulk_result"),
    ("transfers/new/", "transfers.new", "transfer_new"),
]

View = Callable[..., HttpResponseBase]


def page_view(name: str) -> View:
    """A view that answers by the one of such a name, which ``found`` gives."""
    found: Callable[[], View] = partial(import_string, f"backoffice.views.{name}")

    def view(request: HttpRequest, **named: str) -> HttpResponseBase:
        return found()(request, **named)

    view.found = found  # type: ignore[attr-defined]  # for the walk over all addresses
    return view


_PAGES = [path(address, page_view(view), name=name) for address, view, name in ADMIN]

urlpatterns = [
    path("", public(RedirectView.as_view(pattern_name="admin:index"))),
    path("admin/", include((_PAGES, "admin"))),
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.figures),
]

handler400 = "backoffice.views.errors.bad_request"
handler403 = "backoffice.views.errors.forbidden"
handler404 = "backoffice.views.errors.not_found"
handler500 = "backoffice.views.errors.server_error"
