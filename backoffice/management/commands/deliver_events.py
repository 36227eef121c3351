"""`manage.py deliver_events`: tell other systems of alerts and payments."""

from collections import Counter
from typing import Any

from backoffice.management.base import Call, Done, Failed, RepeatedCommand
from backoffice.wording import counted
from payments.events.receivers import receivers
from payments.events.relay import deliver_due


class Command(RepeatedCommand):
    help = "Send events of alerts and payments to every receiver until Ctrl-C."
    pause_seconds = 10

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises ``Failed`` without a receiver, and with ``--once`` where one takes nothing."""
        if not receivers().everybody:
            raise Failed("Events are off: no receiver is set.")
        super().handle(*args, **options)

    def act(self, call: Call) -> Done:
        counts = deliver_due(at=call.at)
        has_trouble = bool(counts - Counter(sent=counts["sent"]))
        failure = "Not everything has arrived." if has_trouble else ""
        sentence = f"Events: {counted(counts)}." if counts else ""
        return Done(sentence=sentence, data=dict(counts), failure=failure)
