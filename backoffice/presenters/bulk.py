"""Bulk files in words: what would become of their rows, or has."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse

from backoffice.presenters.accounts import AccountView
from backoffice.presenters.jobs import JobView
from backoffice.presenters.values import money
from payments.bulk.report import Report
from payments.models import Account

MOST_ACCOUNTS = 200
"""So many accounts are shown with their balances; the report counts all."""


class BatchView(JobView):
    """A batch in a list."""

    @property
    def url(self) -> str:
        return reverse("admin:bulk_batch", args=[self.job.id])


@dataclass(frozen=True)
class ReportView:
    """A report with its sums and balances in words."""

    report: Report

    @property
    def totals(self) -> list[str]:
        return _sums(self.report.totals)

    @property
    def waiting(self) -> list[str]:
        return _sums(self.report.waiting)

    @property
    def accounts(self) -> list[tuple[AccountView, AccountView]]:
        """Before and after, of those whose money moves most."""
        moved = sorted(self.report.accounts, key=_size, reverse=True)[:MOST_ACCOUNTS]
        return [(AccountView(old), AccountView(new)) for old, new in moved]

    @property
    def more_accounts(self) -> int:
        return max(0, len(self.report.accounts) - MOST_ACCOUNTS)


def _sums(sums: Mapping[str, int]) -> list[str]:
    return [money(total, currency) for currency, total in sorted(sums.items())]


def _size(pair: tuple[Account, Account]) -> int:
    before, after = pair
    return abs(after.available - before.available)
