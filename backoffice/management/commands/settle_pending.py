"""`manage.py settle_pending`: let requests expire and scheduled transfers come due."""

from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.management.base import Done, RepeatedCommand
from backoffice.wording import counted
from payments.settling import settle_due


class Command(RepeatedCommand):
    help = "Settle what time does to pending payments, every minute until Ctrl-C."
    pause_seconds = 60

    def act(self, *, actor: Actor, at: datetime, options: dict[str, Any]) -> Done:  # noqa: ARG002 - nobody acts but time
        counts = settle_due(at=at)
        sentence = f"Settled: {counted(counts)}." if counts else "Nothing was due."
        failure = "Some records are damaged: the log names them." if counts["damaged"] else ""
        return Done(sentence=sentence, data=dict(counts), failure=failure)
