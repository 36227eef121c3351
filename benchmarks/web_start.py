"""What the start of a web process costs beside a bare Django project with the admin."""

from itertools import chain, repeat
from pathlib import Path
from resource import getpagesize

from rich.console import Console
from rich.table import Table

from benchmarks.frame import engine
from benchmarks.service_start import MEASURED, run_alone

PROCESSES = 7
MOST_MORE_SECONDS, MOST_MEGABYTES = 0.3, 120.0
BARE = """
import sys, types
from django.conf import settings
apps = ("admin", "auth", "contenttypes", "sessions", "messages")
settings.configure(
    SECRET_KEY="x",
    ROOT_URLCONF="bare",
    INSTALLED_APPS=[f"django.contrib.{app}" for app in apps],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
from django.core.wsgi import get_wsgi_application
get_wsgi_application()
from django.contrib import admin
from django.urls import get_resolver, path
sys.modules["bare"] = types.SimpleNamespace(urlpatterns=[path("admin/", admin.site.urls)])
get_resolver().url_patterns
"""
OURS = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
from backoffice.wsgi import application
from django.urls import get_resolver
get_resolver().url_patterns
"""
SERVED = f"""{OURS}
from benchmarks.web_start import serve_pages
serve_pages()
raise SystemExit
"""
REQUESTS = 300


def serve_pages() -> None:
    """Ask for every page that needs no record's name, on an engine; print the memory then held.

    Not the most that was: a password is checked with 100 MB, which are given back.
    """
    from backoffice.urls import ADMIN
    from benchmarks.lists import signed_in
    from benchmarks.loader import fill

    with engine() as turn_to:
        turn_to("served-")
        fill(accounts=20, paid=100, refused=100)
        browser = signed_in()
        addresses = [str(each.pattern) for each in ADMIN if "<" not in str(each.pattern)]
        rounds = repeat(addresses, REQUESTS // len(addresses) + 1)
        for address in chain.from_iterable(rounds):
            if not address.startswith("log"):
                browser.get(f"/admin/{address}")
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    print(0, pages * getpagesize() / 2**20)


def main() -> None:
    """Print the table, and whether what is promised is kept."""
    runs = [
        [run_alone(MEASURED.format(program=each)) for each in (BARE, OURS)]
        for _ in range(PROCESSES)
    ]
    table = Table("", "processor seconds", "MB", title="Start of a web process")
    medians = []
    _, served = run_alone(MEASURED.format(program=SERVED))
    for name, costs in zip(
        ("Django with its admin", "the back office"), zip(*runs, strict=True), strict=True
    ):
        seconds, megabytes = sorted(costs)[PROCESSES // 2]
        medians.append(seconds)
        table.add_row(name, f"{seconds:.3f}", f"{megabytes:.0f}")
    Console().print(table)
    more = medians[1] - medians[0]
    is_kept = more <= MOST_MORE_SECONDS and served <= MOST_MEGABYTES
    Console().print(
        f"{more:.3f} seconds more than Django alone, promised {MOST_MORE_SECONDS}, "
        f"and {served:.0f} MB after {REQUESTS} requests, promised {MOST_MEGABYTES:.0f}: "
        f"{'' if is_kept else 'NOT '}kept."
    )


if __name__ == "__main__":
    main()
