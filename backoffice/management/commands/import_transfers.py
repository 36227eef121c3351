"""`manage.py import_transfers`: many transfers from one file, tried first, then applied."""

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.context import Actor
from backoffice.jobs.imports import batch_of, order_import, paid_before
from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission
from payments.bulk import report as bulk_report
from payments.bulk.batches import Batch
from payments.bulk.report import Report
from payments.bulk.rows import MOST_BYTES, BadFile, read_rows
from payments.identifiers import new_payment_id
from payments.money import format_amount


class Command(OperatorCommand):
    help = "Try the transfers of a file (CSV or pain.001), or apply them with --apply."
    permission = Permission.RUN_TRANSFERS
    needs_operator = False

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--apply", action="store_true", help="run them; needs --operator and --reason"
        )
        parser.add_argument(
            "--request-id", default="", help="a name of yours, to apply the same file anew"
        )

    def actor(self, options: dict[str, Any], at: datetime) -> Actor:
        self.needs_operator = options["apply"]  # type: ignore[misc]  # trying changes nothing
        return super().actor(options, at)

    def act(self, call: Call) -> Done:
        path: Path = call["file"]
        data = _read(path)
        batch_id = ""
        if call["apply"]:
            run = call["request_id"]
            job = order_import(data, path.name, run=run, actor=call.actor, at=call.at)
            job = self.finished(job)
            batch = batch_of(job, call.at)
            batch_id, report = job.id, bulk_report.outcome(batch, call.at)
        else:
            batch = Batch(id=new_payment_id(call.at), rows=read_rows(data, today=call.at.date()))
            report = bulk_report.dry_run(batch, actor=call.actor, at=call.at)
        rows = list(batch.rows)
        report.warnings = paid_before(rows, person=call.actor.id, at=call.at, batch_id=batch_id)
        return Done(sentence=_in_words(report, call.options), data=_json(report))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error


def _json(report: Report) -> dict[str, Any]:
    names = ("row", "column", "value", "rule")
    return {
        "rows": report.rows,
        "accepted": report.accepted,
        "refused": report.refused,
        "errors": [{name: getattr(fault, name) for name in names} for fault in report.errors],
        "warnings": [asdict(each) for each in report.warnings],
        "totals": dict(sorted(report.totals.items())),
    }


def _in_words(report: Report, options: dict[str, Any]) -> str:
    lines = [
        f"row {fault.row}, {fault.column or 'the row'} {fault.value!r}: {fault.sentence} "
        f"({fault.rule})"
        for fault in report.errors
    ]
    lines += [f"row {each.row}: perhaps paid before, as {each.of}" for each in report.warnings]
    sums = ", ".join(format_amount(total, code) for code, total in sorted(report.totals.items()))
    counts = f"{report.rows} rows, {report.accepted} accepted, {report.refused} refused"
    lines.append(f"{counts}: {sums or 'nothing'}.")
    if report.waiting:
        lines.append(f"They wait for a second person: {report.trigger or 'see their payments'}.")
    if not options["apply"]:
        lines.append("Nothing was done: add --apply to run them.")
    return "\n".join(lines)
