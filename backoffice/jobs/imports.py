"""Bulk transfers as a job: a file's rows posted one after the other, resumable, each row once."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from audit.context import Actor
from backoffice.jobs import services
from backoffice.jobs.records import Job
from backoffice.jobs.services import CannotBeDone, Kind, Order, Work, told_by
from backoffice.permissions import Permission
from backoffice.staff import queries
from backoffice.staff.models import Staff
from dynamodb.errors import UnreadableRecordError
from payments import approvals
from payments.approvals import digest as digest_of
from payments.attempts import recorded_refusals
from payments.bulk import batches, files, report
from payments.bulk.batches import Batch
from payments.bulk.report import Duplicate
from payments.bulk.rows import COLUMNS, Row, read_rows
from payments.identifiers import new_payment_id
from payments.models import Payment
from payments.refusals import NotPending, Refusal, RequestChanged, SamePerson

EARLIER_FILES = 10
"""So many of the last applied files are looked at for what was paid before."""

_STEP = 96
"""Rows between two savings."""

_NAME_LENGTH = 100


def order_import(data: bytes, name: str, *, run: str = "", actor: Actor, at: datetime) -> Job:
    """Ask for a file to be applied; the job that is there already where it was applied before.

    ``run`` is a name for applying the same file anew. Raises ``BadFile``, and ``KeyReused`` for
    such a name that was used with another file.
    """
    name = "".join(filter(str.isprintable, name))[-_NAME_LENGTH:]
    with recorded_refusals(subject="bulk", actor=actor, at=at):
        rows = read_rows(data, today=at.date())
        file_hash = files.keep_file(data, name)
        batch_id = files.begin_batch(file_hash, f"{actor.id}:{run}" if run else "", at)
    order = Order(
        id=batch_id,
        kind=IMPORT.name,
        title=f"Bulk transfers: {name}, {len(rows):,} rows",
        parameters={"file_hash": file_hash, "name": name, "rows": len(rows)},
    )
    return services.order_job(order, actor=actor, at=at)


def batch_of(job: Job, at: datetime) -> Batch:
    """The rows of a job's file; raises ``FileNotFound``."""
    kept = files.read_file(_file_hash(job), at)
    return Batch(id=job.id, rows=read_rows(kept.data), posted=job.done)


def _file_hash(job: Job) -> str:
    return str((job.parameters or {})["file_hash"])


def paid_before(
    rows: list[Row], *, person: str, at: datetime, batch_id: str = ""
) -> list[Duplicate]:
    """Rows that stand twice in a file, or stood in one of the last that were applied."""
    found = services.list_jobs(person=person, kind=IMPORT.name, rows=EARLIER_FILES)
    jobs = [job for job in found.rows if job.id != batch_id]
    earlier = (
        (f"{job.title} ({job.created_at:%Y-%m-%d})", read_rows(kept.data))
        for job, kept in zip(jobs, files.read_files(list(map(_file_hash, jobs)), at), strict=True)
    )
    return report.duplicates(rows, earlier)


def acting(username: str, permission: Permission) -> Actor:
    """A person whose job it is, with the roles they have now; raises ``CannotBeDone``."""
    record = queries.find(username)
    if record is None or not record.is_active or not Staff.of(record).has_perm(permission):
        raise CannotBeDone(f"{username} may not do this any more.")
    return Staff.of(record).actor


def run_import(work: Work) -> None:
    """Post the rows of a job's file, or what is left of them."""
    job = work.job
    batch = batch_of(job, work.clock())
    counts = Counter(job.checkpoint or {})
    for start in range(counts.pop("row", 0), len(batch.rows), _STEP):
        maker = acting(job.created_by, IMPORT.permission)
        rows = batch.rows[start : start + _STEP]
        counts += batches.post_rows(batch, rows, actor=maker, clock=work.clock)
        done = min(start + _STEP, len(batch.rows))
        work.save({"row": done, **counts}, done=done, total=len(batch.rows))
    event = told_by(job, "bulk.applied")
    work.finish(counts, told=(event, {**(job.parameters or {}), **counts}))


def check_decision(
    job: Job, *, decision: str, digest: str, reason: str, actor: Actor, at: datetime
) -> Order:
    """What is to become of all that waits of a batch; raises the refusal that prevents it.

    ``digest`` is of what the checker has seen waiting, and nothing else is decided, though more
    rows be posted meanwhile. Maker and checker are told apart again at each payment, as a
    condition of its write.
    """
    with recorded_refusals(subject="bulk", actor=actor, at=at, reference=f"job:{job.id}"):
        if decision != "cancel" and job.created_by == actor.id:
            raise SamePerson
        if job.is_open:
            raise NotPending("The batch is still on its way: decide once all its rows are there.")
        seen = report.outcome(batch_of(job, at), at)
        if seen.digest != digest or not digest:
            raise RequestChanged
    given = job.parameters or {}
    return Order(
        id=new_payment_id(at),
        kind=DECIDE.name,
        title=f"{_DECIDED[decision][0]}: {given['name']}",
        parameters={
            "batch_id": job.id, "file_hash": given["file_hash"], "decision": decision,
            "reason": reason, "waiting": ranges(seen.waiting_rows),
        },
    )  # fmt: skip


def run_decision(work: Work) -> None:
    """Approve, reject or take back every row of a batch that waits, or what is left of them."""
    given = work.job.parameters or {}
    _, permission, _ = _DECIDED[given["decision"]]
    batch = batch_of(services.find_job(given["batch_id"]), work.clock())
    seen = set(in_ranges(given["waiting"]))
    counts = Counter(work.job.checkpoint or {})
    for start in range(counts.pop("row", 0), len(batch.rows), _STEP):
        actor = acting(work.job.created_by, permission)
        rows = [row for row in batch.rows[start : start + _STEP] if row.number in seen]
        for row, payment in batches.payments_of(Batch(id=batch.id, rows=rows)):
            work.keep()
            if payment is not None and payment.can_cancel():
                counts[_decided(given, batch, row, payment, actor, work.clock())] += 1
        done = min(start + _STEP, len(batch.rows))
        work.save({"row": done, **counts}, done=done, total=len(batch.rows))
    work.finish(counts)


def ranges(numbers: Iterable[int]) -> list[str]:
    """Growing numbers in few words: ``1-96``, ``98-98``."""
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    each = ([number for _, number in run] for _, run in runs)
    return [f"{run[0]}-{run[-1]}" for run in each]


def in_ranges(texts: Iterable[str]) -> Iterator[int]:
    """The numbers that ``ranges`` was given."""
    for first, last in (map(int, text.split("-")) for text in texts):
        yield from range(first, last + 1)


def _decided(
    given: Mapping[str, Any], batch: Batch, row: Row, payment: Payment, actor: Actor, at: datetime
) -> str:
    """Decide one payment, which must be the file's row and nothing else."""
    _, _, decide = _DECIDED[given["decision"]]
    is_approved = given["decision"] == "approve"
    try:
        if payment.request_hash != batch.request(row, at).hash:
            raise RequestChanged
        words = {"shown": digest_of(payment)} if is_approved else {"reason": given["reason"]}
        done = decide(payment_id=payment.id, **words, actor=actor, at=at)
    except (Refusal, UnreadableRecordError):  # a damaged account's rows stay as they are
        return "refused"
    return str(done.status)


_DECIDED: dict[str, tuple[str, Permission, Callable[..., Payment]]] = {
    "approve": ("Approval of a batch", Permission.DECIDE_APPROVALS, approvals.approve_payment),
    "reject": ("Rejection of a batch", Permission.DECIDE_APPROVALS, approvals.reject_payment),
    "cancel": ("Batch taken back", Permission.CANCEL_OWN_REQUESTS, approvals.cancel_payment),
}


def result_lines(batch: Batch, at: datetime) -> Iterator[list[Any]]:
    """A batch's rows with what became of each, under a line that names the columns."""
    yield ["row", "status", "payment_id", "column", "rule", "reason", *COLUMNS]
    for row, payment, fault in report.became(batch, at):
        status = str(payment.status) if payment else "refused" if fault else "not done yet"
        why = [fault.column, fault.rule, fault.sentence] if fault else ["", "", ""]
        name = payment.id if payment else ""
        yield [row.number, status, name, *why, *(row.values.get(each, "") for each in COLUMNS)]


def told_of(job: Job, data: bytes) -> dict[str, Any]:
    """What the trail keeps of a result that is taken away."""
    rows = (job.parameters or {})["rows"]
    return {"batch_id": job.id, "rows": rows, "sha256": files.hash_of(data)}


IMPORT = Kind(
    name="bulk",
    run=run_import,
    permission=Permission.RUN_TRANSFERS,
    page="admin:bulk_batch",
    in_name=True,
)
DECIDE = Kind(
    name="bulk_decision",
    run=run_decision,
    permission=Permission.RUN_TRANSFERS,
    page="admin:bulk_batch",
    in_name=True,
)
