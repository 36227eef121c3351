"""`manage.py create_payment_tables`: add what is missing, compare what is there."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.tables import make_tables
from dynamodb.errors import StoreError
from dynamodb.times import utc_now


class Command(BaseCommand):
    help = "Create missing tables, add missing indexes and streams, compare everything else."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Ends with code 1 where a table differs from what is declared."""
        try:
            reports = make_tables(at=utc_now())
        except StoreError as error:
            raise CommandError(str(error)) from error
        for report in reports:
            if report.created:
                self.stdout.write(f"{report.name}: created")
            for added in report.added:
                self.stdout.write(f"{report.name}: {added} added")
        differences = [text for report in reports for text in report.differences]
        if differences:
            raise CommandError("Tables differ from what is declared:\n" + "\n".join(differences))
        if not any(report.created or report.added for report in reports):
            self.stdout.write(f"All {len(reports)} tables are there: nothing to do.")
