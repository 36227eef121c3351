"""What waits for a second person, and many of it approved at once."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.forms.decisions import BulkForm
from backoffice.permissions import Permission, StaffRequest, requires
from backoffice.presenters.approvals import Result, totals, waiting
from backoffice.presenters.lists import asked_page, pager
from backoffice.presenters.payments import PaymentRow, payment_table
from backoffice.site import page
from backoffice.views.confirm import is_confirmed
from backoffice.views.fresh_proof import freshly_proved
from backoffice.views.once import answer_form, form_page
from backoffice.wording import said
from dynamodb.errors import StoreError
from dynamodb.pages import Page
from dynamodb.times import utc_now
from payments import queries
from payments.approvals import approve_payment, digest
from payments.refusals import Refusal

MOST_COUNTED = 50
_UNTRIED = gettext_lazy(
    "There was trouble before it, so this was not tried. Approve it again in a moment."
)


@requires(Permission.READ_APPROVALS)
@freshly_proved(posts_only=True)
def inbox(request: StaffRequest) -> HttpResponse:
    """What waits, the oldest first; a post approves those chosen, after a confirmation."""
    if request.method == "POST":
        must_decide(request)
    return answer_form(request, BulkForm, partial(_act, request), partial(_inbox_page, request))


def _inbox_page(request: StaffRequest, form: BulkForm, **more: Any) -> HttpResponse:
    viewer, at = request.user.username, utc_now()
    page_of = queries.list_pending(**asked_page(request))
    scheduled = [payment for payment in page_of.rows if payment.awaits_its_day]
    context = {
        "title": _("Approvals"),
        "rows": [
            waiting(payment, viewer=viewer, at=at)
            for payment in page_of.rows
            if not payment.awaits_its_day
        ],
        "scheduled": [PaymentRow(payment) for payment in scheduled],
        "pager": pager(request, page_of),
        **more,
    }
    return form_page(request, "backoffice/approvals/list.html", form, **context)


@requires(Permission.READ_APPROVALS)
def count(request: StaffRequest) -> HttpResponse:
    """A fragment for the navigation: how many wait, no further than 50; nothing for none."""
    found = queries.list_pending(person=request.user.username, rows=MOST_COUNTED)
    number = sum(not payment.awaits_its_day for payment in found.rows)
    return as_count(number, found)


def as_count(number: int, found: Page[Any]) -> HttpResponse:
    """A number for a script to show, and whether there are more; nothing for none."""
    text = f"{number or ''}{'+' * bool(found.next_cursor)}"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def must_decide(request: StaffRequest) -> None:
    """Let through those who may decide what others may only read; raises ``PermissionDenied``."""
    if not request.user.has_perm(Permission.DECIDE_APPROVALS):
        raise PermissionDenied(Permission.DECIDE_APPROVALS)


def _act(request: StaffRequest, form: BulkForm) -> HttpResponse:
    """Ask once more, or approve each that was chosen."""
    wanted = form.digests()
    context = {"form": form, "crumbs": [(_("Approvals"), reverse("admin:approvals"))]}
    if is_confirmed(request):
        results = _approve_all(request, wanted)
        done = [result.row.payment for result in results if result.row and not result.sentence]
        context |= {"title": _("What became of them"), "results": results, "totals": totals(done)}
        status = HTTPStatus.OK if done else HTTPStatus.UNPROCESSABLE_ENTITY
        return page(request, "backoffice/approvals/results.html", context, status=status)
    payments = [payment for payment in queries.get_payments(*wanted) if payment]
    ready = [each for each in payments if each.can_cancel() and digest(each) == wanted[each.id]]
    context |= {
        "title": _("Confirm the approvals"),
        "table": payment_table(map(PaymentRow, ready), request.user),
        "others": len(wanted) - len(ready),
        "totals": totals(ready),
    }
    return page(request, "backoffice/approvals/confirm.html", context)


def _approve_all(request: StaffRequest, wanted: dict[str, str]) -> list[Result]:
    """Approve one after the other; once the store gives up on one, the rest is not tried."""
    results: list[Result] = []
    for payment_id, shown in wanted.items():
        try:
            results.append(_approve(request, payment_id, shown))
        except StoreError as trouble:
            results.append(Result(row=None, payment_id=payment_id, sentence=said(trouble)))
            untried = list(wanted)[len(results) :]
            results += [
                Result(row=None, payment_id=each, sentence=str(_UNTRIED)) for each in untried
            ]
            break
    return results


def _approve(request: StaffRequest, payment_id: str, shown: str) -> Result:
    actor = request.user.actor
    try:
        payment = approve_payment(payment_id=payment_id, shown=shown, actor=actor, at=utc_now())
    except Refusal as refusal:
        kept = queries.get_payment(payment_id)
        row = PaymentRow(kept) if kept else None
        return Result(row=row, payment_id=payment_id, sentence=said(refusal), code=refusal.code)
    return Result(row=PaymentRow(payment), payment_id=payment_id)
