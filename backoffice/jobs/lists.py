"""A whole list as CSV, made by the worker: every page of a filter, recorded once."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings

from audit import export, pack
from backoffice.jobs.services import Kind, Order, Work, told_by
from backoffice.permissions import Permission
from backoffice.presenters.values import typed
from dynamodb.models import Record
from dynamodb.pages import Page
from dynamodb.times import to_rfc3339
from payments import queries

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
    rows, cursor = 0, ""
    with part.open("wb") as file:
        file.write(export.csv_lines([columns]))
        while True:
            page = read(person=job.created_by, cursor=cursor, rows=_PAGE_ROWS, **_query(told))
            file.write(export.csv_lines(_cells(row, columns) for row in page.rows))
            rows, cursor = rows + len(page.rows), page.next_cursor
            work.save({}, done=rows)
            if not cursor:
                break
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
