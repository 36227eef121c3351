"""`manage.py create_payment_tables`: add what is missing, compare what is there."""

from audit.tables import make_tables
from backoffice.management.base import Call, Done, TellingCommand


class Command(TellingCommand):
    help = "Create missing tables, add missing indexes and streams, compare everything else."

    def act(self, call: Call) -> Done:
        """Ends with code 1 where a table differs from what is declared."""
        reports = make_tables(at=call.at)
        told = [f"{report.name}: created" for report in reports if report.created]
        told += [f"{report.name}: {added} added" for report in reports for added in report.added]
        differences = [text for report in reports for text in report.differences]
        failure = "\n".join(["Tables differ from what is declared:", *differences])
        nothing = f"All {len(reports)} tables are there: nothing to do." * (not differences)
        return Done(
            sentence="\n".join(told) or nothing,
            data={"done": told, "differences": differences},
            failure=failure if differences else "",
        )
