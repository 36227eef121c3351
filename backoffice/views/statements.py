"""Statements of an account and receipts of payments: as pages, on paper, as files.

A page shows one account or payment, as all pages do. A file of many movements leaves the house:
it takes a fresh proof, and its entry among the account's views tells its rows and its hash. A
receipt as PDF is what its page shows, and no more.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.utils.translation import gettext, gettext_lazy

from backoffice.forms.periods import StatementForm, presets
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters import statements as shown
from backoffice.presenters.accounts import AccountView
from backoffice.presenters.charts import curve
from backoffice.presenters.lists import pager
from backoffice.presenters.printed import Section
from backoffice.presenters.values import money
from backoffice.site import page
from backoffice.views.accounts import account_crumbs, found_account
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.requests import found as get_payment
from backoffice.views.requests import payment_crumbs
from dynamodb.times import utc_now
from payments import queries
from payments.history.camt053 import camt053
from payments.history.statements import DoesNotAddUpError, Statement, statement, statement_page
from payments.models import Account, Payment
from payments.refusals import UnknownCurrency

IN_MEMORY = 1_000_000
"""A longer file is made on disk, in bytes."""

DAMAGED = gettext_lazy(
    "The records of this account do not fit together, so no statement is given. An operator can "
    "look with reconcile and verify_audit."
)

Write = Callable[[Statement], Iterator[bytes]]


@requires(Permission.READ_ACCOUNTS, viewing="account")
def on_page(request: StaffRequest, account_id: str) -> HttpResponse:
    return _page(request, found_account(account_id), _form(request))


def _page(
    request: StaffRequest, account: Account, form: StatementForm, trouble: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": gettext("Statement of %s") % account.account_number,
        "crumbs": account_crumbs(account),
        "shown": AccountView(account),
        "account": account,
        "form": form,
        "presets": presets(form.today),
        "trouble": trouble,
    }
    if form.is_valid() and not trouble:
        try:
            context |= _lines(request, account, form)
        except (DoesNotAddUpError, UnknownCurrency):
            context["trouble"] = trouble = str(DAMAGED)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors or trouble else HTTPStatus.OK
    return page(request, "backoffice/accounts/statement.html", context, status=status)


def _lines(request: StaffRequest, account: Account, form: StatementForm) -> dict[str, Any]:
    cursor, period = request.GET.get("cursor", ""), form.period
    found = statement_page(account, period, person=request.user.username, cursor=cursor)
    return {
        "days": shown.days(period),
        "period": period,
        "is_first": found.page.is_first,
        "is_last": found.page.is_last,
        "rows": shown.statement_rows(found.lines, account.currency),
        "curve": curve(found.lines, account.currency),
        "pager": pager(request, found.page),
        "brought": money(found.brought_minor, account.currency),
        "carried": money(found.carried_minor, account.currency),
        "closing": money(found.closing_minor, account.currency),
    }


def _file(write: Write, suffix: str, content_type: str) -> Callable[..., HttpResponseBase]:
    """A view that gives a statement as a file, once the whole of it is known to be right.

    It is written as it is read, in pages, a long one to disk, and sent from there: memory does
    not grow.
    """

    @requires(Permission.READ_ACCOUNTS, viewing="account", exporting="statement")
    @freshly_proved()
    def view(request: StaffRequest, account_id: str) -> HttpResponseBase:
        account, form = found_account(account_id), _form(request)
        if not form.is_valid():
            return _page(request, account, form)
        made = statement(account, form.period, at=utc_now())
        try:
            file, sha256 = _written(write(made))
        except shown.TooLongToPrintError:
            told = gettext("More than %s movements make no PDF. Take CSV or camt.053.")
            return _page(request, account, form, told % f"{shown.MOST_PRINTED:,}")
        except (DoesNotAddUpError, UnknownCurrency):
            return _page(request, account, form, str(DAMAGED))
        if request.look is not None:
            days = {"from": f"{made.period.first}", "to": f"{made.period.last}"}
            request.look.values.update(days, file=suffix, rows=made.rows, sha256=sha256)
        name = f"statement-{account.account_number}-{made.period.first}-{made.period.last}"
        return FileResponse(
            file, as_attachment=True, filename=f"{name}.{suffix}", content_type=content_type
        )

    return view


def _written(pieces: Iterable[bytes]) -> tuple[IO[bytes], str]:
    """Write a file to its end, and wind it back; gives its hash too."""
    digest, file = hashlib.sha256(), BytesIO()
    target: IO[bytes] = file
    for piece in pieces:
        digest.update(piece)
        target.write(piece)
        if target is file and file.tell() > IN_MEMORY:
            target = TemporaryFile()  # noqa: SIM115 - the answer closes it
            target.write(file.getvalue())
            file.close()
    target.seek(0)
    return target, digest.hexdigest()


as_pdf = _file(shown.as_pdf, "pdf", "application/pdf")
as_csv = _file(shown.as_csv, "csv", "text/csv; charset=utf-8")
as_camt053 = _file(camt053, "xml", "application/xml")


@requires(Permission.READ_PAYMENTS, viewing="payment")
def receipt(request: StaffRequest, payment_id: str) -> HttpResponse:
    payment = get_payment(payment_id)
    context = {
        "title": shown.receipt_title(payment),
        "crumbs": payment_crumbs(payment),
        "payment": payment,
        "sections": _receipt(payment),
    }
    return page(request, "backoffice/payments/receipt.html", context)


@requires(Permission.READ_PAYMENTS, viewing="payment")
def receipt_pdf(_: StaffRequest, payment_id: str) -> HttpResponse:
    payment = get_payment(payment_id)
    document = shown.receipt_pdf(payment, _receipt(payment), utc_now())
    name = f'attachment; filename="receipt-{payment.id}.pdf"'
    return HttpResponse(
        document, content_type="application/pdf", headers={"Content-Disposition": name}
    )  # fmt: skip


def _receipt(payment: Payment) -> list[Section]:
    return shown.receipt(payment, *queries.get_accounts(*payment.ends))


def _form(request: StaffRequest) -> StatementForm:
    return StatementForm(request.GET, today=utc_now().date())
