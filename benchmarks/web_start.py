"""What the start of a web process costs beside a bare Django project with the admin."""

import sys
from http import HTTPStatus
from itertools import cycle, islice
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage

from django.test import Client
from rich.console import Console

from benchmarks.frame import engine, show
from benchmarks.service_start import MEASURED, run_alone, started

PROCESSES = 12
MOST_MORE_SECONDS, MOST_MEGABYTES = 0.3, 120.0
BARE = """
import sys, types
from django.conf import settings
apps = ("admin", "auth", "contenttypes", "sessions", "messages")
middleware = ("sessions.middleware.Session", "auth.middleware.Authentication")
settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="bare",
    STATIC_URL="static/",
    INSTALLED_APPS=[f"django.contrib.{app}" for app in apps],
    MIDDLEWARE=[f"django.contrib.{each}Middleware" for each in middleware],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
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
PAGE = """
from wsgiref.util import setup_testing_defaults
asked = {"PATH_INFO": "/admin/login/"}
setup_testing_defaults(asked)
assert b"password" in b"".join(application(asked, lambda *_: print))
"""
PROGRAMS = {
    "Django with its admin": BARE, "  and its sign-in page": BARE + PAGE,
    "the back office": OURS, "  and its own": OURS + PAGE,
}  # fmt: skip
SERVED = f"""{OURS}
from benchmarks.web_start import serve_pages
serve_pages()
raise SystemExit
"""
REQUESTS = 300


def serve_pages() -> None:
    """Ask for every page that needs no record's name, on an engine; print what memory that took.

    First the most there ever was, once a password is hashed too, then what was held before.
    """
    from django.contrib.auth.hashers import make_password

    from backoffice.urls import ADMIN
    from benchmarks.lists import signed_in
    from benchmarks.loader import fill

    with engine() as turn_to:
        turn_to("served-")
        fill(accounts=20, paid=100, refused=100)
        people = [signed_in(role) for role in ("compliance", "supervisor", "admin")]
        pages = [
            f"/admin/{address}"
            for address, *_ in ADMIN
            if "<" not in address and not address.startswith("log")
        ]
        may = {page: next(each for each in people if _is_shown(each, page)) for page in pages}
        for page in islice(cycle(pages), REQUESTS):
            assert _is_shown(may[page], page), page
    held = int(Path("/proc/self/statm").read_text().split()[1])
    make_password("for a benchmark")
    print(getrusage(RUSAGE_SELF).ru_maxrss / 1024, held * getpagesize() / 2**20)


def _is_shown(browser: Client, page: str) -> bool:
    return browser.get(page).status_code == HTTPStatus.OK


def main() -> int:
    """Print the table; the exit code is 1 where what is promised is not kept."""
    rows = bare, bare_page, ours, page = started(PROGRAMS, PROCESSES)
    with Console(stderr=True).status(f"{REQUESTS} requests"):
        most, served = run_alone(MEASURED.format(program=SERVED))
    more, more_page = (
        (each.processor_ms - least.processor_ms) / 1000
        for each, least in ((ours, bare), (page, bare_page))
    )
    is_kept = more <= MOST_MORE_SECONDS and served <= MOST_MEGABYTES
    ours.more |= {
        "seconds more than Django": round(more, 3),
        f"MB after {REQUESTS} requests": round(served),
        "MB while a password is hashed": round(most),
        f"{MOST_MORE_SECONDS} s and {MOST_MEGABYTES:.0f} MB": "kept" if is_kept else "missed",
    }
    page.more["seconds more than Django"] = round(more_page, 3)
    show("web_start", {"Start of a web process, in processor time": rows})
    return int(not is_kept)


if __name__ == "__main__":
    sys.exit(main())
