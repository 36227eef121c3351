"""Commands that run by the clock, each as an invocation that names it: ``{"command": "..."}``.

What a command raises fails the invocation: the platform counts it, and an alarm tells.
"""

import os
from typing import Any

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
django.setup()

COMMANDS: dict[str, list[str]] = {
    "archive_audit": [],
    "run_worker": ["--once"],
    "seal_audit": [],
    "settle_pending": ["--once"],
}
"""What may be asked for, with its options."""


def handler(event: dict[str, Any], _context: object) -> None:
    """Run one command; raises ``KeyError`` for any that is not meant to run by the clock."""
    name = event["command"]
    call_command(name, *COMMANDS[name])
