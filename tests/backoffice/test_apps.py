"""What a process knows as soon as it has started."""

import subprocess
import sys

from tests.engines import ROOT

PROGRAM = """
import importlib, pkgutil
import django
import audit, backoffice, dynamodb, payments
from dynamodb.tables import all_records

django.setup()
known = all_records()
for package in (audit, backoffice, dynamodb, payments):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(("_conf", "wsgi", "asgi")):
            importlib.import_module(module.name)
assert all_records() == known, {*all_records()} - {*known}
"""

SERVING = """
import gc, sys
from backoffice.wsgi import application
from django.urls import reverse

assert reverse("admin:transfer_new") == "/admin/transfers/new/"
rooms = {"backoffice.views." + name for name in ("transfers", "exports", "statements", "bulk")}
assert not rooms & sys.modules.keys(), rooms & sys.modules.keys()
assert gc.isenabled()
"""


def ends_well(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_process_knows_every_table_from_its_start() -> None:
    ends_well(PROGRAM)


def test_rooms_of_views_are_entered_by_whoever_asks_and_garbage_is_looked_for() -> None:
    ends_well(SERVING)
