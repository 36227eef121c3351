"""`manage.py sweep_alerts`: look for what only the movements of weeks show, and raise alerts."""

from argparse import ArgumentParser
from datetime import UTC, datetime, time

from backoffice.management.base import Call, Done, OperatorCommand, day, progress_bar
from backoffice.permissions import Permission
from dynamodb.scans import SEGMENTS
from payments.alerts.sweep import Sweep, sweep, take_up


class Command(OperatorCommand):
    help = (
        "Look through what moved since the last sweep and raise alerts. "
        "A sweep that was stopped goes on where it was."
    )
    permission = Permission.MANAGE_ALERTS
    needs_operator = False

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            metavar="DAY",
            type=day,
            help="look again from a UTC day on, such as 2026-01-31; by default from the last sweep",
        )

    def act(self, call: Call) -> Done:
        since = call["since"] and datetime.combine(call["since"], time(), tzinfo=UTC)
        run = take_up(at=call.at, since=since)
        with progress_bar("Accounts", total=SEGMENTS) as update:

            def on_page(run: Sweep) -> None:
                words = f"Accounts ({run.counts['accounts']})"
                update(description=words, completed=run.place.segment)

            report = sweep(run, on_page).report
        raised = report["raised"]
        found = ", ".join(f"{count} {rule}" for rule, count in raised.items()) or "none"
        sentence = (
            f"{report['accounts']} accounts of {report['customers']} customers "
            f"from {run.since:%Y-%m-%d %H:%M} to {run.until:%Y-%m-%d %H:%M} UTC. "
            f"New alerts: {found}."
        )
        return Done(sentence=sentence, data=report)
