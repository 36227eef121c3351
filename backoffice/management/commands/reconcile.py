"""`manage.py reconcile`: hold every account, payment and entry against the others; reads only."""

import hashlib
import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import Progress

from backoffice.management.base import FAILED, Failed
from dynamodb.client import settings as store_settings
from dynamodb.errors import StoreError
from dynamodb.scans import SEGMENTS
from payments.money import format_amount
from payments.reconcile import STEPS, Run, reconcile

SAVE_SECONDS = 2.0
"""At most so much of the work is done again after a kill."""


class Command(BaseCommand):
    help = "Hold every account, payment and entry against the others. Faults end with code 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as one object")
        parser.add_argument("--resume", action="store_true", help="go on where a run was stopped")
        parser.add_argument(
            "--state-dir",
            type=Path,
            default=settings.BASE_DIR / ".dynamodb" / "reconcile",
            help="where a run keeps how far it is; by default .dynamodb/reconcile",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises ``Failed``, code 1, with faults or where the store cannot be read."""
        notes = _Notes(Path(options["state_dir"]))
        try:
            run = notes.take_up() if options["resume"] else Run()
            with Progress(console=Console(file=sys.stderr)) as progress:
                task = progress.add_task("", total=SEGMENTS)

                def on_page(run: Run) -> None:
                    notes.keep(run)
                    if run.step < len(STEPS):
                        counts = f"{run.accounts} accounts, {run.payments} payments"
                        title = f"{STEPS[run.step].title} ({counts})"
                        progress.update(task, description=title, completed=run.place.segment)

                report = reconcile(run, on_page).report
                progress.update(task, description="Done", completed=SEGMENTS)
        except StoreError as error:
            sentence = f"{error} Run it again with --resume to go on from here."
            if options["json"]:
                self.stdout.write(json.dumps({"error": sentence, "code": "store"}))
            raise Failed(sentence, returncode=FAILED) from error
        notes.throw_away()
        self.stdout.write(json.dumps(report) if options["json"] else _in_words(report))
        if not report["ok"]:
            raise Failed(f"Faults found: {len(report['faults'])}.", returncode=FAILED)


class _Notes:
    """How far a run is, in a file of the store it runs on."""

    def __init__(self, folder: Path) -> None:
        store = store_settings()
        name = f"{store.endpoint_url} {store.region} {store.table_prefix}"
        self.path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
        self.kept_at = time.monotonic()

    def take_up(self) -> Run:
        """The run that was stopped; a new one where there is none. ``Failed`` if unreadable."""
        if not self.path.exists():
            return Run()
        try:
            return Run.from_json(json.loads(self.path.read_text()))
        except (LookupError, TypeError, ValueError) as error:
            raise Failed(f"{self.path} cannot be read: run without --resume.") from error

    def keep(self, run: Run) -> None:
        if time.monotonic() - self.kept_at < SAVE_SECONDS:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(run.to_json()))
        draft.replace(self.path)
        self.kept_at = time.monotonic()

    def throw_away(self) -> None:
        self.path.unlink(missing_ok=True)


def _in_words(report: dict[str, Any]) -> str:
    sums = ", ".join(format_amount(total, currency) for currency, total in report["sums"].items())
    faults = [f"{fault['kind']} {fault['id']}: {fault['detail']}" for fault in report["faults"]]
    counts = f"{report['accounts']} accounts, {report['payments']} payments, sums: {sums or 'none'}"
    return "\n".join([*faults, f"{counts}, {len(faults)} faults."])
