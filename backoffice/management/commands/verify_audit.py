"""`manage.py verify_audit`: whether the trail is unaltered, without gaps, its tail complete."""

from argparse import ArgumentParser

from audit.models import EVERYTHING
from audit.settings import settings
from audit.verification import Period, Verification, steps_of, verify_entity, verify_trail
from audit.verified import keep
from backoffice.management.base import Call, Done, OperatorCommand, add_segments, day, progress_bar
from backoffice.permissions import Permission
from backoffice.presenters.proof import verdicts
from backoffice.staff.refusals import NotAllowed
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
        parser.add_argument("--from", type=day, metavar="DAY", help="from this UTC day on")
        parser.add_argument("--to", type=day, metavar="DAY", help="to this UTC day, included")
        add_segments(parser)

    def act(self, call: Call) -> Done:
        entity, period = call["entity"], Period(first=call["from"], last=call["to"])
        if period.is_empty:
            raise NotAllowed("--to is before --from: there is nothing to verify.")
        if entity:
            run = verify_entity(entity, period=period)
        else:
            run = _verify_with_progress(Verification(period=period), call["segments"])
        if not call.actor.is_system and period.is_all:
            keep(run, entity_id=entity or EVERYTHING, actor=call.actor, at=call.at)
        faults = sorted(run.faults)
        lines = [*map(str, faults), *verdicts(run), _seals_compared(run, entity)]
        lines.append(f"{run.entries} entries, {len(faults)} faults.")
        failure = f"Faults found: {len(faults)}." if faults else ""
        return Done(sentence="\n".join(lines), data=run.report, failure=failure)


def _verify_with_progress(run: Verification, segments: int) -> Verification:
    steps = steps_of(run)
    with progress_bar(total=SEGMENTS) as update:

        def on_page(run: Verification) -> None:
            title = steps[run.step].title if run.step < len(steps) else f"Seals, {run.seals} days"
            told = f"{title} ({run.entries} entries)"
            update(description=told, completed=SEGMENTS - len(run.places))

        verify_trail(run, on_page, segments=segments)
        update(description="Done", completed=SEGMENTS)
    return run


def _seals_compared(run: Verification, entity: str) -> str:
    if settings().off:
        return f"Seals are off: {settings().off}."
    return "Seals not compared." if entity else f"Seals of {run.seals} days compared."
