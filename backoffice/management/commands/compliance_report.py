"""`manage.py compliance_report`: a period in figures, as text, JSON or PDF."""

import hashlib
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from django.core.management.base import CommandError

from audit import trail
from backoffice.management.base import Call, Done, OperatorCommand, day, progress_bar
from backoffice.permissions import Permission
from backoffice.presenters.report import as_pdf, as_text
from backoffice.report import Report, report


class Command(OperatorCommand):
    help = (
        "Count a period: money per currency, decisions, alerts and their outcomes, locks, reviews. "
        "That it was made, and the hash of a file, stand in the trail."
    )
    permission = Permission.READ_TRAIL
    needs_operator = False

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", type=day, metavar="DAY", required=True, help="first UTC day")
        parser.add_argument("--to", type=day, metavar="DAY", required=True, help="last UTC day")
        parser.add_argument("--format", choices=["text", "json", "pdf"], default="text")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write it to a new file")

    def act(self, call: Call) -> Done:
        first, last, output = call["from"], call["to"], call["output"]
        if first > last:
            raise CommandError(f"--from {first} is after --to {last}.")
        if call["format"] == "pdf" and output is None:
            raise CommandError("A PDF goes to a file: --output FILE.")
        made = _made(report(first, last, at=call.at), days=(last - first).days + 1)
        body = _body(made, call["format"])
        digest = hashlib.sha256(body).hexdigest()
        _note(made, call["format"], digest, call)
        if output is None:
            return Done(sentence=body.decode(), data=made.data)
        try:
            with output.open("xb") as file:
                file.write(body)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        return Done(sentence=f"{output}: SHA-256 {digest}", data={**made.data, "sha256": digest})


def _made(steps: Iterator[Report], *, days: int) -> Report:
    with progress_bar("Days", total=days + 1) as update:
        for done, last in enumerate(steps, 1):
            made = last
            update(completed=done)
    return made


def _body(made: Report, form: str) -> bytes:
    match form:
        case "pdf":
            return as_pdf(made)
        case "json":
            return json.dumps(made.data, indent=2).encode()
    return as_text(made).encode()


def _note(made: Report, form: str, digest: str, call: Call) -> None:
    values = {
        "report": "compliance", "from": made.first.isoformat(), "to": made.last.isoformat(),
        "format": form, "sha256": digest, "entries": made.entries,
    }  # fmt: skip
    trail.note(trail.by_person(call.actor, "report.made"), at=call.at, values=values)
