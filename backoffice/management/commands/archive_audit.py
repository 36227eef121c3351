"""`manage.py archive_audit`: months of the trail into the archive, and rehearsals of a restore."""

import re
import secrets
from argparse import ArgumentParser, ArgumentTypeError

from audit import archive, seals
from audit.archive import rehearse
from audit.settings import settings
from backoffice.holds.services import apply_holds
from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission
from backoffice.staff.refusals import NotAllowed


class Command(OperatorCommand):
    help = (
        "Archive each month whose days are all sealed, or --month; run again it goes on where it "
        "was stopped. --rehearse fetches an archived month, drawn by lot, and verifies it."
    )
    permission = Permission.VERIFY_TRAIL
    needs_operator = False

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", type=_month, help="such as 2026-01")
        parser.add_argument("--rehearse", action="store_true", help="verify what is archived")

    def act(self, call: Call) -> Done:
        if off := settings().off:
            raise NotAllowed(f"The archive is off: {off}.")
        if call["rehearse"]:
            return _rehearse(call)
        held = [hold.subject for hold in apply_holds(actor=call.actor, at=call.at)]
        due = archive.due_months()
        if call["month"] and call["month"] not in due:
            raise NotAllowed(f"{call['month']} is archived, or has days without a seal.")
        wanted = [call["month"]] if call["month"] else due
        for month in wanted:
            archive.archive_month(month, actor=call.actor, at=call.at, on_day=self._tell)
        sentence = f"Months archived: {', '.join(wanted) or 'none'}."
        return Done(sentence=sentence, data={"archived": wanted, "holds_applied": held})

    def _tell(self, day: archive.Manifest) -> None:
        self.stderr.write(f"{day['day']}: {day['entries']} entries, {len(day['parts'])} parts")


def _rehearse(call: Call) -> Done:
    wanted: str | None = call["month"]
    months = sorted({f"{day:%Y-%m}" for day in seals.sealed_days()})
    archived = [month for month in months if archive.is_archived(month)]
    if not archived or wanted not in (None, *archived):
        raise NotAllowed(f"{wanted or 'No month'} is archived: there is nothing to rehearse.")
    month = wanted or secrets.choice(archived)
    record, faults = rehearse(month, actor=call.actor, at=call.at)
    data = {"month": month, "entries": record.entries, "faults": faults}
    lines = [*faults, f"{month}: {record.entries} entries fetched, {len(faults)} faults."]
    failure = f"Faults found: {len(faults)}." if faults else ""
    return Done(sentence="\n".join(lines), data=data, failure=failure)


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        raise ArgumentTypeError(f"{text!r} is not a month such as 2026-01")
    return text
