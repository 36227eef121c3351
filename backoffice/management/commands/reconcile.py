"""`manage.py reconcile`: hold every account, payment and entry against the others; reads only."""

import hashlib
import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from backoffice.management.base import (
    Call,
    Done,
    Failed,
    TellingCommand,
    add_segments,
    progress_bar,
)
from dynamodb.client import settings as store_settings
from dynamodb.errors import StoreError
from dynamodb.scans import SEGMENTS
from payments.money import format_amount
from payments.reconciliation.run import STEPS, Run, reconcile

SAVE_SECONDS = 2.0
"""At most so much of the work is done again after a kill."""


class Command(TellingCommand):
    help = "Hold every account, payment and entry against the others. Faults end with code 1."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--resume", action="store_true", help="go on where a run was stopped")
        parser.add_argument(
            "--state-dir",
            type=Path,
            default=settings.BASE_DIR / ".dynamodb" / "reconcile",
            help="where a run keeps how far it is; by default .dynamodb/reconcile",
        )
        add_segments(parser)

    def act(self, call: Call) -> Done:
        notes = _Notes(Path(call["state_dir"]))
        run = notes.take_up() if call["resume"] else Run()
        with progress_bar(total=SEGMENTS) as update:

            def on_page(run: Run) -> None:
                notes.keep(run)
                if run.step < len(STEPS):
                    counts = f"{run.accounts} accounts, {run.payments} payments"
                    title = f"{STEPS[run.step].title} ({counts})"
                    update(description=title, completed=SEGMENTS - len(run.places))

            try:
                report = reconcile(run, on_page, segments=call["segments"]).report
            except StoreError as error:
                raise StoreError(
                    f"{error} Run it again with --resume to go on from here."
                ) from error
            update(description="Done", completed=SEGMENTS)
        notes.throw_away()
        failure = "" if report["ok"] else f"Faults found: {len(report['faults'])}."
        return Done(sentence=_in_words(report), data=report, failure=failure)


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
