"""The stock Django admin's change list on the ORM with SQLite: only here, to be compared with.

A process of its own with settings of its own, as the back office has no SQL. It fills a table and
prints a line; then for each line it reads it shows the list, and prints seconds of processor time:
all of them for ``whole``, else without those of SQL, which runs in this process as no other
engine does. The list counts its table.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib import admin
from django.urls import path

PAGE_ROWS, BATCH = 50, 5_000
COLUMNS = ("id", "customer_id", "account_type", "status", "balance", "held", "created_at")


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _configure(Path(folder))
        client = _signed_in(_fill(rows))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for asked in sys.stdin:
            whole, of_sql = _show_list(client, min(rows, PAGE_ROWS))
            seconds = whole if asked.strip() == "whole" else whole - of_sql
            sys.stdout.write(f"{seconds}\n")
            sys.stdout.flush()


def _show_list(client: Any, rows: int) -> tuple[float, float]:
    """Seconds of processor time of the list, and of those what SQL took."""
    from django.db import connection  # noqa: TID251

    of_sql = 0.0

    def clocked(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal of_sql
        began = time.process_time()
        try:
            return execute(*given)
        finally:
            of_sql += time.process_time() - began

    began = time.process_time()
    with connection.execute_wrapper(clocked):
        answer = client.get("/benchmarks/account/")
    whole = time.process_time() - began
    assert answer.content.count(b"field-balance") == rows
    return whole, of_sql


def _configure(folder: Path) -> None:
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
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "stock.sqlite3"}
        },
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


def _fill(rows: int) -> Any:
    """Make the tables and the accounts; gives somebody who may see everything."""
    from django.contrib.auth.models import User  # noqa: TID251 - once there are settings
    from django.core.management import call_command
    from django.db import connection, models  # noqa: TID251

    class Account(models.Model):  # noqa: DJ008 - no page shows one by itself
        id = models.CharField(max_length=40, primary_key=True)
        customer_id = models.CharField(max_length=40, db_index=True)
        account_type = models.CharField(max_length=10)
        status = models.CharField(max_length=10, db_index=True)
        balance = models.BigIntegerField()
        held = models.BigIntegerField()
        created_at = models.DateTimeField(auto_now_add=True)

        class Meta:
            app_label = "benchmarks"

    class AccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
        list_display = COLUMNS
        list_filter = ("status", "account_type")
        list_per_page = PAGE_ROWS

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Account)
    made = (
        Account(
            id=f"acc_{number:036d}", customer_id=f"customer-{number // 100:06d}",
            account_type="checking", status="active", balance=0, held=0,
        )
        for number in range(rows)
    )  # fmt: skip
    Account.objects.bulk_create(made, batch_size=BATCH)
    admin.site.register(Account, AccountAdmin)
    return User.objects.create_superuser("stock")


def _signed_in(person: Any) -> Any:
    from django.test import Client

    urlpatterns.append(path("", admin.site.urls))
    client = Client()
    client.force_login(person)
    return client


urlpatterns: list[Any] = []

if __name__ == "__main__":
    main(int(sys.argv[1]))
