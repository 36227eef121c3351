"""`manage.py settle_pending`: let requests expire and scheduled transfers come due."""

from backoffice.management.base import Call, Done, RepeatedCommand
from backoffice.wording import counted
from payments.settling import settle_due


class Command(RepeatedCommand):
    help = "Settle what time does to pending payments, every minute until Ctrl-C."
    pause_seconds = 60

    def act(self, call: Call) -> Done:
        counts = settle_due(at=call.at)
        sentence = f"Settled: {counted(counts)}." if counts else "Nothing was due."
        failure = "Some records are damaged: the log names them." if counts["damaged"] else ""
        return Done(sentence=sentence, data=dict(counts), failure=failure)
