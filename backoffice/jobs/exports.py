"""Evidence packs, made by the worker: read page by page, resumable, recorded once."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from audit import export, pack
from audit.bucket import ArchiveError
from audit.export import Place, read_on
from audit.models import AuditLog
from audit.pack import CSV, JSON_LINES, About
from audit.queries import oldest_first
from backoffice.jobs.records import Job
from backoffice.jobs.scopes import SEARCH, chains_of, wanted
from backoffice.jobs.services import CannotBeDone, Kind, Order, Work, told_by
from backoffice.permissions import Permission
from backoffice.presenters.values import typed
from dynamodb.models import Item, Record
from dynamodb.pages import Page, Query, all_pages
from dynamodb.scans import plain_item
from dynamodb.shards import ahead
from dynamodb.times import to_rfc3339
from payments import queries
from payments.history.postings import postings_of
from payments.refusals import Refusal

KEPT = timedelta(days=30)
"""How long packs lie in their folder."""

_IDS = "chains.json"


def export_order(*, order_id: str, parameters: Mapping[str, Any]) -> Order:
    """An order for a pack; ``parameters`` are its ``scope``, what it is ``about``, and a filter."""
    given = {name: value for name, value in parameters.items() if value}
    return Order(id=order_id, kind=EXPORT.name, title=_title(given), parameters=given)


def pack_path(job: Job) -> Path:
    """The file that an export makes: a pack, or of any other kind a list."""
    suffix = "zip" if job.kind == EXPORT.name else "csv"
    return Path(settings.EXPORT_DIR) / f"{job.id}.{suffix}"


def tidy_packs(at: datetime) -> str:
    """Remove packs that have lain for long: they can be made again from the trail."""
    old = (at - KEPT).timestamp()
    made = [path for path in Path(settings.EXPORT_DIR).glob("*.*") if path.is_file()]
    removed = [path for path in made if path.stat().st_mtime < old]
    for path in removed:
        path.unlink(missing_ok=True)
    return f"{len(removed)} removed" if removed else ""


def run_export(work: Work) -> None:
    """Make the pack of a job, or what is left to make of it."""
    job = work.job
    folder, place, done = _begin(job)
    parameters = job.parameters or {}
    queries, keep = _queries(parameters, folder)
    needs_postings = parameters["scope"] == SEARCH and wanted(parameters).is_without_postings
    with (folder / JSON_LINES).open("ab") as lines, (folder / CSV).open("ab") as rows:
        for found, after in ahead(read_on(queries, place, keep)):
            items = _with_postings(found) if needs_postings else found
            entries = [plain_item(item) for item in items]
            lines.write(export.json_lines(entries))
            rows.write(export.csv_rows(entries))
            done += len(entries)
            lines.flush()
            rows.flush()
            checkpoint = {"folder": folder.name, "number": after.number, "rows": done}
            checkpoint |= {"lines_bytes": lines.tell(), "rows_bytes": rows.tell()}
            work.save(checkpoint | {"start": json.dumps(after.start)}, done=done)
    _finish(work, folder, done)


def _begin(job: Job) -> tuple[Path, Place, int]:
    """A folder for this claim, with what the one before it had saved, and where to go on.

    A worker that only seemed dead goes on writing in a folder of its own, where it harms nobody.
    """
    root, saved = Path(settings.EXPORT_DIR), job.checkpoint or {}
    folder, old = root / f"{job.id}.{job.claims}", root / saved.get("folder", "nothing yet")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    if not old.is_dir():
        (folder / CSV).write_bytes(export.csv_lines([export.COLUMNS]))
        return folder, Place(), 0
    for name, size in ((JSON_LINES, saved["lines_bytes"]), (CSV, saved["rows_bytes"])):
        shutil.copyfile(old / name, folder / name)
        with (folder / name).open("r+b") as file:
            file.truncate(size)
    if (old / _IDS).exists():
        shutil.copyfile(old / _IDS, folder / _IDS)
    return folder, Place(saved["number"], json.loads(saved["start"])), saved["rows"]


def _queries(
    parameters: Mapping[str, Any], folder: Path
) -> tuple[list[Query[AuditLog]], Callable[[AuditLog], bool] | None]:
    """What to read: the chains of a thing, the same ones after a break, or a search."""
    asked = wanted(parameters)
    if parameters["scope"] == SEARCH:
        return oldest_first(asked), None if asked.is_period else asked.keeps
    ids = folder / _IDS
    if not ids.exists():
        try:
            ids.write_text(json.dumps(chains_of(parameters["scope"], parameters["about"])))
        except Refusal as refusal:
            raise CannotBeDone(str(refusal)) from refusal
    return [
        Query(model=AuditLog, partition=chain, between=asked.between, newest_first=False)
        for chain in json.loads(ids.read_text())
    ], None


def _with_postings(items: list[Item]) -> list[Item]:
    entries = [AuditLog.from_item(item) for item in items]
    postings = postings_of(entries)
    return [
        each
        for item, entry in zip(items, entries, strict=True)
        for each in (item, *postings.get((entry.entity_id, entry.timestamp), ()))
    ]


def _finish(work: Work, folder: Path, rows: int) -> None:
    job, parameters = work.job, dict(work.job.parameters or {})
    target = pack_path(job)
    about = About(
        title=job.title,
        made_for=job.created_by,
        asked_at=to_rfc3339(job.created_at),
        filter=parameters,
        rows=rows,
        whole_days=parameters["scope"] == SEARCH and wanted(parameters).is_period,
    )
    try:
        pack.make_pack(folder, target, about, beat=work.keep)
    except ArchiveError as error:
        raise CannotBeDone(str(error)) from error
    digest = pack.file_hash(target, work.keep)
    result = {"rows": rows, "sha256": digest, "bytes": target.stat().st_size}
    event = told_by(job, "audit.exported")
    work.finish(result, told=(event, {**parameters, **result}))
    for path in target.parent.glob(f"{job.id}.*/"):
        shutil.rmtree(path, ignore_errors=True)


def _title(parameters: Mapping[str, Any]) -> str:
    """*Evidence pack: account 1234, from 2026-01-01, to 2026-01-31*."""
    scope, about = parameters["scope"], parameters.get("about", "")
    subject = about if about.startswith(f"{scope}_") else f"{scope} {about}"
    named = [] if scope == SEARCH else [subject]
    labels = {"entity_id": "", "action": "", "user_id": "by ", "outcome": ""}
    labels |= {"first_day": "from ", "last_day": "to "}
    named += [label + parameters[name] for name, label in labels.items() if parameters.get(name)]
    return f"Evidence pack: {', '.join(named)}"


EXPORT = Kind(
    name="export", run=run_export, permission=Permission.EXPORT_TRAIL, page="admin:export"
)  # fmt: skip


_PAGE_ROWS = 100
_AMOUNTS = ("amount", "balance", "held", "available")

LISTS: Mapping[str, tuple[Callable[..., Page[Any]], Sequence[str]]] = {
    "accounts": (
        queries.list_accounts,
        (
            "id", "account_number", "customer_id", "account_type", "status", "currency", "balance",
            "held", "available", "created_at",
        ),
    ),
    "payments": (
        queries.list_payments,
        (
            "id", "created_at", "status", "amount", "currency", "from_account_id", "to_account_id",
            "customer_id", "merchant_id", "description", "failure_code",
        ),
    ),
}  # fmt: skip
"""What is listed, and its columns, by the name of the list."""


def list_order(*, order_id: str, name: str, wanted: Mapping[str, Any]) -> Order:
    """An order for all of a list; ``wanted`` is what its query takes."""
    given = {key: value for key, value in wanted.items() if value}
    told = ", ".join(f"{key} {value}" for key, value in given.items() if key != "between")
    title = f"List of {name}" + (f": {told}" if told else "")
    parameters = {"list": name, "wanted": json.dumps(given)}
    return Order(id=order_id, kind=LIST.name, title=title, parameters=parameters)


def run_list(work: Work) -> None:
    """Write a list from its first page to its last; begun anew by whoever takes it over."""
    job, told = work.job, dict(work.job.parameters or {})
    read, columns = LISTS[told["list"]]
    target = Path(settings.EXPORT_DIR) / f"{job.id}.csv"
    part = target.with_suffix(f".{job.claims}")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    asked = partial(read, person=job.created_by, rows=_PAGE_ROWS, **_query(told))
    rows = 0
    with part.open("wb") as file:
        file.write(export.csv_lines([columns]))
        for page in ahead([all_pages(lambda cursor: asked(cursor=cursor))]):
            file.write(export.csv_lines(_cells(row, columns) for row in page.rows))
            rows += len(page.rows)
            work.save({}, done=rows)
    part.replace(target)
    result = {"rows": rows, "sha256": pack.file_hash(target, work.keep)}
    result["bytes"] = target.stat().st_size
    event = told_by(job, f"{told['list'].removesuffix('s')}.exported")
    work.finish(result, told=(event, {**told, **result}))


def _query(told: Mapping[str, str]) -> dict[str, Any]:
    wanted: dict[str, Any] = json.loads(told["wanted"])
    if "between" in wanted:
        wanted["between"] = tuple(wanted["between"])
    return wanted


def _cells(record: Record, columns: Sequence[str]) -> list[Any]:
    """A row; amounts in major units without grouping, times in UTC."""
    found = {name: getattr(record, name) for name in columns}
    currency = found["currency"]
    for name, value in found.items():
        if name in _AMOUNTS:
            found[name] = Decimal(typed(value, currency).replace(",", ""))
        elif isinstance(value, datetime):
            found[name] = to_rfc3339(value)
    return [found[name] for name in columns]


LIST = Kind(name="list", run=run_list, permission=Permission.EXPORT_TRAIL, page="admin:export")
