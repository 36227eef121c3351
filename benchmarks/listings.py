"""The lists that grow for ever, each as its page reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from audit.queries import TrailFilter, browse
from benchmarks.loader import FIRST
from dynamodb.pages import Page
from payments.models import PaymentStatus
from payments.queries import list_accounts, list_payments

VIEWER = "benchmark"
_DAY = TrailFilter(first_day=FIRST.date(), last_day=FIRST.date())


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A list; ``read`` takes a person and a cursor. ``url`` is its page."""

    name: str
    read: Callable[..., Page[Any]]
    url: str

    def ask(self, cursor: str = "") -> Page[Any]:
        return self.read(person=VIEWER, cursor=cursor)


LISTINGS = (
    Listing(name="accounts", read=list_accounts, url="/admin/accounts/?"),
    Listing(
        name="payments",
        read=partial(list_payments, status=PaymentStatus.FAILED),
        url="/admin/payments/?status=failed&",
    ),
    Listing(
        name="audit",
        read=partial(browse, _DAY),
        url=f"/admin/audit/?from={FIRST.date()}&to={FIRST.date()}&zone=UTC&",
    ),
)
