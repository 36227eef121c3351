"""`manage.py seal_audit`: sign yesterday's entries, and every day before that has no seal yet."""

from argparse import ArgumentParser
from datetime import date

from audit import seals, signing
from audit.models import Seal
from audit.settings import settings
from backoffice.management.base import Call, Done, OperatorCommand, day
from backoffice.permissions import Permission
from backoffice.staff.refusals import NotAllowed


class Command(OperatorCommand):
    help = (
        "Seal each day that is over and has no seal, to --day or yesterday. To be run every day, "
        "an hour after midnight UTC or later; it may be run again at any time."
    )
    permission = Permission.VERIFY_TRAIL
    needs_operator = False

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=day, help="seal to this UTC day; by default yesterday")
        parser.add_argument(
            "--public-key", action="store_true", help="only print the key that seals are checked by"
        )

    def act(self, call: Call) -> Done:
        """Ends with code 1 where a day that is due has no seal afterwards."""
        if off := settings().off:
            raise NotAllowed(f"Seals are off: {off}.")
        public = signing.public_key(settings().seal_key)
        if call["public_key"]:
            return Done(sentence=public, data={"public_key": public})
        last: date = call["day"] or seals.last_due_day(call.at)
        if last > seals.last_due_day(call.at):
            raise NotAllowed(f"{last} cannot be sealed yet: its entries may still be on their way.")
        days = [each for each in seals.due_days(at=call.at) if each <= last]
        sealed = [self._seal(each, call) for each in days]
        kept = seals.find(last)
        data = {
            "sealed": [seal.day for seal in sealed],
            "entries": sum(seal.entries for seal in sealed),
            "day": last.isoformat(),
            "is_sealed": kept is not None,
            "public_key": public,
        }
        sentence = f"Days sealed: {len(sealed)}." if sealed else "Every day has its seal."
        failure = "" if kept else f"The seal of {last} is missing."
        return Done(sentence=sentence, data=data, failure=failure)

    def _seal(self, each: date, call: Call) -> Seal:
        seal = seals.seal_day(each, actor=call.actor, at=call.at)
        self.stderr.write(f"{each}: {seal.entries} entries, root {seal.root}")
        return seal
