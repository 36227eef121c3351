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


def test_a_process_knows_every_table_from_its_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
