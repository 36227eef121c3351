"""What a line of a review becomes: part of a case that is there, or a new one."""

from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.reviews.records import Kind, ReviewItem
from payments import cases
from payments.alerts import find_alert
from payments.queries import get_payment


def case_for(
    item: ReviewItem, *, case_id: str, name: str, reason: str, actor: Actor, at: datetime
) -> str:
    """The id of the case that a line becomes part of; a new one unless ``case_id`` names one.

    ``name`` is the request's own, so the same again opens no second case. Raises ``CaseNotFound``.
    """
    if case_id:
        return cases.find_case(case_id).id
    asked: dict[str, Any] = {"name": name, "reason": reason, "actor": actor, "at": at}
    if item.kind == Kind.MONEY_ALERT:
        alert = find_alert(item.subject)
        return alert.case_id or cases.open_case(alert_id=alert.id, **asked).id
    return cases.open_about(customer_id=_whom(item), **asked).id


def _whom(item: ReviewItem) -> str:
    """Whose case it is: the customer's who paid, else whatever the line is about."""
    payment = get_payment(item.subject) if item.kind == Kind.FIRST_PAIR else None
    return (payment.customer_id if payment else None) or item.subject
