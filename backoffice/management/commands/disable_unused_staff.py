"""`manage.py disable_unused_staff`: disable accounts that nobody has used for long."""

from argparse import ArgumentParser
from datetime import timedelta

from django.conf import settings

from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission
from backoffice.staff import managing
from payments.refusals import Refusal


class Command(OperatorCommand):
    help = (
        "Disable staff who have not signed in for UNUSED_STAFF_DAYS days, each with its entry. "
        "Whoever runs it stays."
    )
    permission = Permission.MANAGE_STAFF

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="name them, change nothing")

    def act(self, call: Call) -> Done:
        before = call.at - timedelta(days=settings.UNUSED_STAFF_DAYS)
        names = [each.username for each in managing.list_unused(before=before)]
        stay = {name: "is who runs this" for name in names if name == call.actor.id}
        found = [name for name in names if name not in stay]
        if not call["dry_run"]:
            for name in found:
                try:
                    managing.disable_unused(
                        username=name,
                        before=before,
                        reason=call["reason"],
                        actor=call.actor,
                        at=call.at,
                    )
                except Refusal as refusal:
                    stay[name] = str(refusal)
        disabled = [name for name in found if name not in stay]
        verb = "Would disable" if call["dry_run"] else "Disabled"
        return Done(
            sentence=f"{verb} {len(disabled)}: {', '.join(disabled) or 'nobody'}.",
            data={"disabled": disabled, "kept": stay, "dry_run": call["dry_run"]},
        )
