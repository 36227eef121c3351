"""Bulk transfers as a job: a file's rows posted one after the other, resumable, each row once."""

from collections import Counter
from datetime import datetime

from audit.context import Actor
from audit.trail import Event
from backoffice.jobs import services
from backoffice.jobs.records import Job
from backoffice.jobs.services import CannotBeDone, Kind, Order, Work
from backoffice.permissions import Permission
from backoffice.staff import queries
from backoffice.staff.models import Staff
from payments import bulk, bulk_store
from payments.attempts import recorded_refusals
from payments.bulk import Batch, Duplicate
from payments.bulk_rows import Row, read_rows

EARLIER_FILES = 10
"""So many of the last applied files are looked at for what was paid before."""

_STEP = 25
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
        file_hash = bulk_store.keep_file(data, name)
        batch_id = bulk_store.begin_batch(file_hash, f"{actor.id}:{run}" if run else "", at)
    order = Order(
        id=batch_id,
        kind=IMPORT.name,
        title=f"Bulk transfers: {name}, {len(rows):,} rows",
        parameters={"file_hash": file_hash, "name": name, "rows": len(rows)},
    )
    return services.order_job(order, actor=actor, at=at)


def batch_of(job: Job, at: datetime) -> Batch:
    """The rows of a job's file; raises ``FileNotFound``."""
    _, data = bulk_store.read_file((job.parameters or {})["file_hash"], at)
    return Batch(id=job.id, rows=read_rows(data))


def paid_before(
    rows: list[Row], *, person: str, at: datetime, batch_id: str = ""
) -> list[Duplicate]:
    """Rows that stand twice in a file, or stood in one of the last that were applied."""
    found = services.list_jobs(person=person, kind=IMPORT.name, rows=EARLIER_FILES)
    earlier = [job for job in found.rows if job.id != batch_id]
    files = (
        (f"{job.title} ({job.created_at:%Y-%m-%d})", batch_of(job, at).rows) for job in earlier
    )
    return bulk.duplicates(rows, files)


def acting(username: str, permission: Permission) -> Actor:
    """A person whose job it is, with the roles they have now; raises ``CannotBeDone``."""
    record = queries.find(username)
    if record is None or not record.is_active or not Staff.of(record).has_perm(permission):
        raise CannotBeDone(f"{username} may not do this any more.")
    return Staff.of(record).actor


def run_import(work: Work) -> None:
    """Post the rows of a job's file, or what is left of them."""
    job = work.job
    maker = acting(job.created_by, IMPORT.permission)
    batch = batch_of(job, work.clock())
    counts = Counter(job.checkpoint or {})
    for start in range(counts.pop("row", 0), len(batch.rows), _STEP):
        rows = batch.rows[start : start + _STEP]
        bulk.look_up(rows)
        for row in rows:
            work.keep()
            counts += bulk.post_rows(batch, [row], actor=maker, clock=work.clock)
        done = min(start + _STEP, len(batch.rows))
        work.save({"row": done, **counts}, done=done, total=len(batch.rows))
    event = Event(
        entity_id=f"person:{job.created_by}",
        entity_type="person",
        action="bulk.applied",
        actor=maker,
        reference=f"job:{job.id}",
    )
    work.finish(counts, told=(event, {**(job.parameters or {}), **counts}))


IMPORT = Kind(name="bulk", run=run_import, permission=Permission.RUN_TRANSFERS)
