"""`manage.py backfill`: write into records what older versions left out, while everybody works."""

from argparse import ArgumentParser

from uuid_utils import uuid7

from backoffice.jobs.backfills import BACKFILL, BACKFILLS, backfill_order
from backoffice.jobs.services import open_jobs, order_job
from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission


class Command(OperatorCommand):
    help = "Bring stored records up to date. Stopped, it goes on where it was when run again."
    permission = Permission.MAINTAIN_RECORDS

    def add_options(self, parser: ArgumentParser) -> None:
        names = ", ".join(f"{each.name} ({each.about})" for each in BACKFILLS.values())
        parser.add_argument("name", choices=BACKFILLS, metavar="NAME", help=names)

    def act(self, call: Call) -> Done:
        """Go on with the one that was stopped, or begin one: a job that a worker may take over."""
        order = backfill_order(call["name"], order_id=str(uuid7()))
        left = [job for job in open_jobs() if (job.kind, job.title) == (BACKFILL.name, order.title)]
        job = self.finished(left[0] if left else order_job(order, actor=call.actor, at=call.at))
        counts = dict(job.result or {})
        sentence = f"{counts['looked_at']:,} records looked at, {counts['changed']:,} changed."
        return Done(sentence=sentence, data={"job": job.id, **counts})
