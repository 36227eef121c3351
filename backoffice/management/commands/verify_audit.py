"""`manage.py verify_audit`: whether the trail is unaltered, without gaps, its tail complete."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.progress import Progress

from audit.context import Actor
from audit.models import EVERYTHING
from audit.verification import (
    Period,
    Verification,
    steps_of,
    verify_entity,
    verify_trail,
)
from audit.verified import keep
from backoffice.management.base import Done, OperatorCommand
from backoffice.permissions import Permission
from backoffice.presenters.proof import verdicts
from dynamodb.scans import SEGMENTS


class Command(OperatorCommand):
    help = (
        "Verify one chain, a period or the whole trail, which may be in use. Faults end with "
        "code 1. With --operator and --reason the result is kept and shown on the chain's page."
    )
    permission = Permission.VERIFY_TRAIL
    needs_operator = False

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--entity", metavar="ID", default="", help="only this chain")
        parser.add_argument("--from", type=_day, metavar="DAY", help="from this UTC day on")
        parser.add_argument("--to", type=_day, metavar="DAY", help="to this UTC day, included")

    def act(self, *, actor: Actor, at: datetime, options: dict[str, Any]) -> Done:
        entity, period = options["entity"], Period(first=options["from"], last=options["to"])
        if entity:
            run = verify_entity(entity, period=period)
        else:
            run = _verify_with_progress(Verification(period=period))
        if not actor.is_system and period.is_all:
            keep(run, entity_id=entity or EVERYTHING, actor=actor, at=at)
        faults = sorted(run.faults)
        told = [verdict.sentence for verdict in verdicts(run)]
        lines = [*map(str, faults), *told, f"{run.entries} entries, {len(faults)} faults."]
        failure = f"Faults found: {len(faults)}." if faults else ""
        return Done(sentence="\n".join(lines), data=run.report, failure=failure)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-01-31") from None


def _verify_with_progress(run: Verification) -> Verification:
    steps = steps_of(run)
    with Progress(console=Console(file=sys.stderr)) as progress:
        task = progress.add_task("", total=SEGMENTS)

        def on_page(run: Verification) -> None:
            if run.step < len(steps):
                title = f"{steps[run.step].title} ({run.entries} entries)"
                progress.update(task, description=title, completed=run.place.segment)

        verify_trail(run, on_page)
        progress.update(task, description="Done", completed=SEGMENTS)
    return run
